BEGIN TRANSACTION;
CREATE TABLE agents (
	id VARCHAR NOT NULL,
	task VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	branch VARCHAR NOT NULL,
	method JSON NOT NULL,
	label VARCHAR NOT NULL,
	seed BIGINT NOT NULL,
	cycles INTEGER NOT NULL,
	samples INTEGER NOT NULL,
	state VARCHAR NOT NULL,
	cycle INTEGER NOT NULL,
	base VARCHAR NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (task, number),
	FOREIGN KEY(task) REFERENCES tasks (name),
	FOREIGN KEY(branch) REFERENCES branches (name),
	FOREIGN KEY(base) REFERENCES commits (id)
);
INSERT INTO "agents" VALUES('152e35a0a73706bb','digits',0,'main','{"mu":[0.1]}','m/1',0,1,4,'done',1,'182d18067c03ec03');
INSERT INTO "agents" VALUES('2a289fd23d7566bf','beans',0,'main','{"mu":[0.1]}','m/1',0,2,4,'running',1,'40f8d306596a6455');
INSERT INTO "agents" VALUES('3c8a810b28e5b33e','digits',1,'main','{"mu":[0.1]}','m/1',1,1,4,'running',0,'40f8d306596a6455');
CREATE TABLE branch_state (
	branch VARCHAR NOT NULL,
	task VARCHAR NOT NULL,
	path VARCHAR NOT NULL,
	PRIMARY KEY (branch, task),
	FOREIGN KEY(branch) REFERENCES branches (name),
	FOREIGN KEY(task) REFERENCES tasks (name),
	FOREIGN KEY(path) REFERENCES paths (id)
);
INSERT INTO "branch_state" VALUES('main','digits','dd1bee661fcc0175');
INSERT INTO "branch_state" VALUES('main','beans','b2720d0a2dc456bb');
CREATE TABLE branches (
	name VARCHAR NOT NULL,
	"commit" VARCHAR NOT NULL,
	PRIMARY KEY (name),
	FOREIGN KEY("commit") REFERENCES commits (id)
);
INSERT INTO "branches" VALUES('main','40f8d306596a6455');
CREATE TABLE children (
	sequence INTEGER NOT NULL,
	agent VARCHAR NOT NULL,
	cycle INTEGER NOT NULL,
	generation INTEGER NOT NULL,
	number INTEGER NOT NULL,
	path VARCHAR NOT NULL,
	record JSON NOT NULL,
	PRIMARY KEY (sequence),
	UNIQUE (agent, cycle, generation, number),
	FOREIGN KEY(agent) REFERENCES agents (id),
	FOREIGN KEY(path) REFERENCES paths (id)
);
INSERT INTO "children" VALUES(1,'152e35a0a73706bb',0,0,0,'dd1bee661fcc0175','{"cost":{"seconds":1.5},"curve":[0.25,0.5],"metrics":{"quality":0.5},"mutations":["hp:mu"],"status":"joined"}');
INSERT INTO "children" VALUES(2,'152e35a0a73706bb',0,0,1,'ae62815e8c4e1343','{"cost":{"seconds":1.5},"curve":[0.25,0.5],"metrics":{"quality":"nan"},"mutations":["hp:mu"],"status":"diverged"}');
INSERT INTO "children" VALUES(3,'2a289fd23d7566bf',0,0,0,'b2720d0a2dc456bb','{"cost":{"seconds":1.5},"curve":[0.25,0.5],"metrics":{"quality":0.25},"mutations":["hp:mu"],"status":"joined"}');
INSERT INTO "children" VALUES(4,'2a289fd23d7566bf',0,0,1,'3529e6ccd98f4945','{"cost":{"seconds":1.5},"curve":[0.25,0.5],"metrics":{"quality":"nan"},"mutations":["hp:mu"],"status":"diverged"}');
INSERT INTO "children" VALUES(5,'2a289fd23d7566bf',1,0,0,'d96f44165b8f8122','{"cost":{"seconds":1.5},"curve":[0.25,0.5],"metrics":{"quality":0.75},"mutations":["hp:mu"],"status":"joined"}');
INSERT INTO "children" VALUES(6,'2a289fd23d7566bf',1,0,1,'3529e6ccd98f4945','{"cost":{"seconds":1.5},"curve":[0.25,0.5],"metrics":{"quality":"nan"},"mutations":["hp:mu"],"status":"diverged"}');
CREATE TABLE commit_changes (
	"commit" VARCHAR NOT NULL,
	task VARCHAR NOT NULL,
	path VARCHAR,
	PRIMARY KEY ("commit", task),
	FOREIGN KEY("commit") REFERENCES commits (id),
	FOREIGN KEY(task) REFERENCES tasks (name),
	FOREIGN KEY(path) REFERENCES paths (id)
);
INSERT INTO "commit_changes" VALUES('182d18067c03ec03','digits','dd1bee661fcc0175');
INSERT INTO "commit_changes" VALUES('40f8d306596a6455','beans','b2720d0a2dc456bb');
CREATE TABLE commit_parents (
	"commit" VARCHAR NOT NULL,
	position INTEGER NOT NULL,
	parent VARCHAR NOT NULL,
	PRIMARY KEY ("commit", position),
	FOREIGN KEY("commit") REFERENCES commits (id),
	FOREIGN KEY(parent) REFERENCES commits (id)
);
INSERT INTO "commit_parents" VALUES('182d18067c03ec03',0,'c75e106213b257cb');
INSERT INTO "commit_parents" VALUES('40f8d306596a6455',0,'182d18067c03ec03');
CREATE TABLE commits (
	id VARCHAR NOT NULL,
	message VARCHAR NOT NULL,
	method VARCHAR NOT NULL,
	time VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "commits" VALUES('c75e106213b257cb','a new system','','1970-01-01T00:00:00+00:00');
INSERT INTO "commits" VALUES('182d18067c03ec03','digits: 1 of 1','m/1','1970-01-01T00:00:00+00:00');
INSERT INTO "commits" VALUES('40f8d306596a6455','beans: 1 of 2','m/1','1970-01-01T00:00:00+00:00');
CREATE TABLE generations (
	agent VARCHAR NOT NULL,
	cycle INTEGER NOT NULL,
	generation INTEGER NOT NULL,
	PRIMARY KEY (agent, cycle, generation),
	FOREIGN KEY(agent) REFERENCES agents (id)
);
INSERT INTO "generations" VALUES('152e35a0a73706bb',0,0);
INSERT INTO "generations" VALUES('2a289fd23d7566bf',0,0);
INSERT INTO "generations" VALUES('2a289fd23d7566bf',1,0);
CREATE TABLE holds (
	path VARCHAR NOT NULL,
	digest VARCHAR NOT NULL,
	PRIMARY KEY (path, digest),
	FOREIGN KEY(path) REFERENCES paths (id)
)
 WITHOUT ROWID

;
INSERT INTO "holds" VALUES('a14e60e9daa95e85','0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO "holds" VALUES('b2720d0a2dc456bb','0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO "holds" VALUES('d96f44165b8f8122','0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO "holds" VALUES('dd1bee661fcc0175','0000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE leases (
	branch VARCHAR NOT NULL,
	task VARCHAR NOT NULL,
	token VARCHAR NOT NULL,
	host VARCHAR NOT NULL,
	pid INTEGER NOT NULL,
	since FLOAT NOT NULL,
	expires FLOAT NOT NULL,
	PRIMARY KEY (branch, task)
);
INSERT INTO "leases" VALUES('main','digits','dead','elsewhere',1,0.0,1.0);
CREATE TABLE paths (
	id VARCHAR NOT NULL,
	task VARCHAR,
	parent VARCHAR,
	record JSON NOT NULL,
	metrics JSON NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(task) REFERENCES tasks (name),
	FOREIGN KEY(parent) REFERENCES paths (id)
);
INSERT INTO "paths" VALUES('a14e60e9daa95e85',NULL,NULL,'{"agent":"root","architecture":{"heads":2,"image_size":32,"layer_norm_eps":1e-06,"layers":2,"mlp_width":16,"patch_size":16,"pool":"cls","width":8},"components":[{"digest":"0000000000000000000000000000000000000000000000000000000000000000","momentum":null,"name":"block.0","size":10,"task":null,"untrained":false}],"hyperparameters":{"layers":2,"opt.lr":0.1,"opt.nesterov":true},"id":"a14e60e9daa95e85","method":"","mu":{},"parent":null,"parent_task":null,"task":null,"trained":[]}','{}');
INSERT INTO "paths" VALUES('dd1bee661fcc0175','digits','a14e60e9daa95e85','{"agent":"152e35a0a73706bb","architecture":{"heads":2,"image_size":32,"layer_norm_eps":1e-06,"layers":2,"mlp_width":16,"patch_size":16,"pool":"cls","width":8},"components":[{"digest":"0000000000000000000000000000000000000000000000000000000000000000","momentum":null,"name":"block.0","size":10,"task":null,"untrained":false}],"hyperparameters":{"layers":2,"opt.lr":0.1,"opt.nesterov":true},"id":"dd1bee661fcc0175","method":"","mu":{"hp:x":0.5},"parent":"a14e60e9daa95e85","parent_task":null,"task":"digits","trained":[]}','{"quality":0.5}');
INSERT INTO "paths" VALUES('ae62815e8c4e1343','digits','a14e60e9daa95e85','{"agent":"152e35a0a73706bb","architecture":{"heads":2,"image_size":32,"layer_norm_eps":1e-06,"layers":2,"mlp_width":16,"patch_size":16,"pool":"cls","width":8},"components":[{"digest":"","momentum":null,"name":"block.0","size":10,"task":null,"untrained":false}],"hyperparameters":{"layers":2,"opt.lr":0.1,"opt.nesterov":true},"id":"ae62815e8c4e1343","method":"","mu":{"hp:x":0.9},"parent":"a14e60e9daa95e85","parent_task":null,"task":"digits","trained":[]}','{"quality":"nan"}');
INSERT INTO "paths" VALUES('b2720d0a2dc456bb','beans','a14e60e9daa95e85','{"agent":"2a289fd23d7566bf","architecture":{"heads":2,"image_size":32,"layer_norm_eps":1e-06,"layers":2,"mlp_width":16,"patch_size":16,"pool":"cls","width":8},"components":[{"digest":"0000000000000000000000000000000000000000000000000000000000000000","momentum":null,"name":"block.0","size":10,"task":null,"untrained":false}],"hyperparameters":{"layers":2,"opt.lr":0.1,"opt.nesterov":true},"id":"b2720d0a2dc456bb","method":"","mu":{"hp:x":0.25},"parent":"a14e60e9daa95e85","parent_task":null,"task":"beans","trained":[]}','{"quality":0.25}');
INSERT INTO "paths" VALUES('3529e6ccd98f4945','beans','a14e60e9daa95e85','{"agent":"2a289fd23d7566bf","architecture":{"heads":2,"image_size":32,"layer_norm_eps":1e-06,"layers":2,"mlp_width":16,"patch_size":16,"pool":"cls","width":8},"components":[{"digest":"","momentum":null,"name":"block.0","size":10,"task":null,"untrained":false}],"hyperparameters":{"layers":2,"opt.lr":0.1,"opt.nesterov":true},"id":"3529e6ccd98f4945","method":"","mu":{"hp:x":0.9},"parent":"a14e60e9daa95e85","parent_task":null,"task":"beans","trained":[]}','{"quality":"nan"}');
INSERT INTO "paths" VALUES('d96f44165b8f8122','beans','a14e60e9daa95e85','{"agent":"2a289fd23d7566bf","architecture":{"heads":2,"image_size":32,"layer_norm_eps":1e-06,"layers":2,"mlp_width":16,"patch_size":16,"pool":"cls","width":8},"components":[{"digest":"0000000000000000000000000000000000000000000000000000000000000000","momentum":null,"name":"block.0","size":10,"task":null,"untrained":false}],"hyperparameters":{"layers":2,"opt.lr":0.1,"opt.nesterov":true},"id":"d96f44165b8f8122","method":"","mu":{"hp:x":0.75},"parent":"a14e60e9daa95e85","parent_task":null,"task":"beans","trained":[]}','{"quality":0.75}');
CREATE TABLE population (
	agent VARCHAR NOT NULL,
	position INTEGER NOT NULL,
	path VARCHAR NOT NULL,
	PRIMARY KEY (agent, position),
	FOREIGN KEY(agent) REFERENCES agents (id),
	FOREIGN KEY(path) REFERENCES paths (id)
);
INSERT INTO "population" VALUES('2a289fd23d7566bf',0,'d96f44165b8f8122');
INSERT INTO "population" VALUES('3c8a810b28e5b33e',0,'dd1bee661fcc0175');
CREATE TABLE roots (
	name VARCHAR NOT NULL,
	path VARCHAR NOT NULL,
	PRIMARY KEY (name),
	FOREIGN KEY(path) REFERENCES paths (id)
);
INSERT INTO "roots" VALUES('vit','a14e60e9daa95e85');
CREATE TABLE tasks (
	name VARCHAR NOT NULL,
	record JSON NOT NULL,
	removed BOOLEAN NOT NULL,
	PRIMARY KEY (name)
);
INSERT INTO "tasks" VALUES('beans','{"classes":["zero","one"],"fingerprint":"f00d","name":"beans","options":{"limit":10},"source":"demo:beans","splits":{"test":2,"train":8}}',0);
INSERT INTO "tasks" VALUES('digits','{"classes":["zero","one"],"fingerprint":"f00d","name":"digits","options":{"limit":10},"source":"demo:digits","splits":{"test":2,"train":8}}',0);
CREATE INDEX ix_paths_task ON paths (task);
CREATE INDEX ix_paths_parent ON paths (parent);
CREATE INDEX ix_commit_parents_parent ON commit_parents (parent);
CREATE INDEX ix_holds_digest ON holds (digest);
CREATE UNIQUE INDEX one_running_agent ON agents (branch, task) WHERE state = 'running';
CREATE INDEX ix_children_path ON children (path);
COMMIT;

