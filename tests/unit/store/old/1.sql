-- A store at version 1 of the schema, as .dump of sqlite3 prints it.
BEGIN TRANSACTION;
CREATE TABLE facts (
        key    TEXT    NOT NULL PRIMARY KEY,
        body   TEXT    NOT NULL,
        learnt INTEGER NOT NULL,
        until  INTEGER NOT NULL,
        used   INTEGER NOT NULL,
        binds  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
INSERT INTO facts VALUES('[mx1.host.example]:25','{"v":1,"mx":null,"mxs":true,"null":false,"impl":false,"hosts":[{"n":"mx1.host.example","p":10,"a":["present",""],"as":true,"t":["present",""],"r":["3 1 1 abababababababababababababababababababababababababababababababab","0 1 1 abababababababababababababababababababababababababababababababab"]}],"sts":{"s":["unknown",""],"f":["unknown",""],"id":"","mode":"none","age":0,"mx":[],"at":0,"end":0},"at":1795255200,"end":1795258800}',1795255200,1795258800,1795255200,0);
INSERT INTO facts VALUES('bound.example','{"v":1,"mx":["present",""],"mxs":true,"null":false,"impl":false,"hosts":[{"n":"mx1.bound.example","p":10,"a":["present",""],"as":true,"t":["present",""],"r":["3 1 1 abababababababababababababababababababababababababababababababab","0 1 1 abababababababababababababababababababababababababababababababab"]}],"sts":{"s":["present",""],"f":["unknown","sts-fetch-tls"],"id":"20260101","mode":"enforce","age":604800,"mx":["*.bound.example","mx1.bound.example"],"at":1795255200,"end":1795860000},"at":1795255200,"end":1795258800}',1795255200,1795258800,1795255200,1795860000);
INSERT INTO facts VALUES('plain.example','{"v":1,"mx":["present",""],"mxs":null,"null":false,"impl":false,"hosts":[{"n":"mail.plain.example","p":0,"a":["present",""],"as":null,"t":["absent","tlsa-none"],"r":[]}],"sts":{"s":["absent","sts-txt-none"],"f":["absent","sts-txt-none"],"id":"","mode":"none","age":0,"mx":[],"at":0,"end":0},"at":1795255200,"end":1795255500}',1795255200,1795255500,1795255200,0);
CREATE TABLE exception (
        id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        recipient      TEXT    NOT NULL,
        sender         TEXT,                -- NULL: any
        lowest         TEXT    NOT NULL,
        reason         TEXT    NOT NULL,
        owner          TEXT    NOT NULL,
        ticket         TEXT    NOT NULL,
        created_by     TEXT    NOT NULL,
        since          INTEGER NOT NULL,
        until          INTEGER NOT NULL,
        removed        INTEGER,             -- NULL: not removed
        removed_reason TEXT    NOT NULL DEFAULT ''
    ) STRICT;
INSERT INTO exception VALUES(1,'@partner.example',NULL,'encrypted','their certificate is renewed in spring','postmaster','T-17','uid 0 (root)',1795255200,4102444800,NULL,'');
INSERT INTO exception VALUES(2,'bob@other.example','@clinic.example','none','one letter','Jürgen','','uid 0 (root)',1795255200,1795341600,1795255260,'it is sent');
CREATE TABLE ledger (
        id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        time      INTEGER NOT NULL,
        kind      TEXT    NOT NULL,
        reference TEXT    NOT NULL,
        queue_id  TEXT    NOT NULL,
        sender    TEXT    NOT NULL COLLATE NOCASE,
        recipient TEXT    NOT NULL COLLATE NOCASE,
        next_hop  TEXT    NOT NULL,
        rule      TEXT    NOT NULL,
        exception INTEGER NOT NULL,         -- 0: none
        minimum   TEXT    NOT NULL,
        mode      TEXT    NOT NULL,
        outcome   TEXT    NOT NULL,
        level     TEXT    NOT NULL,
        reason    TEXT    NOT NULL,
        action    TEXT    NOT NULL,
        would     TEXT    NOT NULL,
        detail    TEXT    NOT NULL
    ) STRICT;
INSERT INTO ledger VALUES(1,1795255200,'start','','','','','','',0,'','enforce','','','','','','version 0.1.0');
INSERT INTO ledger VALUES(2,1795255200,'allow-add','','','','@partner.example','','',1,'','','','encrypted','','','','by uid 0 (root); until 2100-01-01T00:00:00Z; owner postmaster; ticket T-17; their certificate is renewed in spring');
INSERT INTO ledger VALUES(3,1795255200,'allow-add','','','@clinic.example','bob@other.example','','',2,'','','','none','','','','by uid 0 (root); until 2026-11-22T10:00:00Z; owner Jürgen; one letter');
INSERT INTO ledger VALUES(4,1795255260,'allow-remove','','','@clinic.example','bob@other.example','','',2,'','','','none','','','','by uid 0 (root); it is sent');
INSERT INTO ledger VALUES(5,1795255320,'decision','3T7Q-K2','4abcDEF','nurse@clinic.example','Alice@Partner.example','partner.example','default',1,'encrypted','enforce','meets','encrypted','','accept','accept','');
INSERT INTO ledger VALUES(6,1795255380,'decision','3T7Q-K3','','nurse@clinic.example','bob@plain.example','plain.example','default',0,'authenticated','enforce','falls-short','none','nothing-published','reject','reject','');
INSERT INTO ledger VALUES(7,1795255440,'decision','3T7Q-K4','','nurse@clinic.example','jörg@bücher.example','xn--bcher-kva.example','default',0,'authenticated','enforce','falls-short','none','nothing-published','reject','reject','');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('exception',2);
INSERT INTO sqlite_sequence VALUES('ledger',7);
CREATE INDEX facts_by_use ON facts (used);
CREATE TRIGGER exception_stays BEFORE DELETE ON exception
        BEGIN SELECT raise(ABORT, 'an exception is ended, never deleted'); END;
CREATE INDEX ledger_by_reference ON ledger (reference) WHERE reference <> '';
CREATE INDEX ledger_by_queue_id  ON ledger (queue_id)  WHERE queue_id <> '';
CREATE INDEX ledger_by_sender    ON ledger (sender)    WHERE sender <> '';
CREATE INDEX ledger_by_recipient ON ledger (recipient) WHERE recipient <> '';
CREATE TRIGGER ledger_stays BEFORE UPDATE ON ledger
        BEGIN SELECT raise(ABORT, 'a row of the ledger never changes'); END;
COMMIT;
PRAGMA application_id = 1397247824;
PRAGMA user_version = 1;
