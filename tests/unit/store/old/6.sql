-- A store at version 6 of the schema, as .dump of sqlite3 prints it.
BEGIN TRANSACTION;
CREATE TABLE facts (
        key    TEXT    NOT NULL PRIMARY KEY,
        body   TEXT    NOT NULL,
        learnt INTEGER NOT NULL,
        until  INTEGER NOT NULL,
        used   INTEGER NOT NULL,
        binds  INTEGER NOT NULL
    , refresh INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
INSERT INTO facts VALUES('[mx1.host.example]:25','{"v":1,"mx":null,"mxs":true,"null":false,"impl":false,"hosts":[{"n":"mx1.host.example","p":10,"a":["present",""],"as":true,"t":["present",""],"r":["3 1 1 abababababababababababababababababababababababababababababababab","0 1 1 abababababababababababababababababababababababababababababababab"]}],"sts":{"s":["unknown",""],"f":["unknown",""],"id":"","mode":"none","age":0,"mx":[],"at":0,"end":0},"at":1795255200,"end":1795258800}',1795255200,1795258800,1795255200,0,0);
INSERT INTO facts VALUES('bound.example','{"v":1,"mx":["present",""],"mxs":true,"null":false,"impl":false,"hosts":[{"n":"mx1.bound.example","p":10,"a":["present",""],"as":true,"t":["present",""],"r":["3 1 1 abababababababababababababababababababababababababababababababab","0 1 1 abababababababababababababababababababababababababababababababab"]}],"sts":{"s":["present",""],"f":["unknown","sts-fetch-tls"],"id":"20260101","mode":"enforce","age":604800,"mx":["*.bound.example","mx1.bound.example"],"at":1795255200,"end":1795860000},"at":1795255200,"end":1795258800}',1795255200,1795258800,1795255200,1795860000,1795330105);
INSERT INTO facts VALUES('plain.example','{"v":1,"mx":["present",""],"mxs":null,"null":false,"impl":false,"hosts":[{"n":"mail.plain.example","p":0,"a":["present",""],"as":null,"t":["absent","tlsa-none"],"r":[]}],"sts":{"s":["absent","sts-txt-none"],"f":["absent","sts-txt-none"],"id":"","mode":"none","age":0,"mx":[],"at":0,"end":0},"at":1795255200,"end":1795255500}',1795255200,1795255500,1795255200,0,0);
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
    , override_published INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO exception VALUES(1,'@partner.example',NULL,'encrypted','their certificate is renewed in spring','postmaster','T-17','uid 0 (root)',1795255200,4102444800,NULL,'',0);
INSERT INTO exception VALUES(2,'bob@other.example','@clinic.example','none','one letter','Jürgen','','uid 0 (root)',1795255200,1795341600,1795255260,'it is sent',0);
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
    , domain TEXT NOT NULL DEFAULT '', offer  TEXT NOT NULL DEFAULT '', facts  TEXT NOT NULL DEFAULT '', chain  TEXT NOT NULL DEFAULT '', times INTEGER NOT NULL DEFAULT 1) STRICT;
INSERT INTO ledger VALUES(1,1795255200,'start','','','','','','',0,'','enforce','','','','','','version 0.1.0','','','','83b0f76e70bb583e939bd6807933e9845ddc9aa60e102a3389f086aa45d3c2b6',1);
INSERT INTO ledger VALUES(2,1795255200,'allow-add','','','','@partner.example','','',1,'','','','encrypted','','','','by uid 0 (root); until 2100-01-01T00:00:00Z; owner postmaster; ticket T-17; their certificate is renewed in spring','partner.example','','','4332b0363e75e19e39be3c8565bee638b8194a7edc7ee53863760f1fdf862fab',1);
INSERT INTO ledger VALUES(3,1795255200,'allow-add','','','@clinic.example','bob@other.example','','',2,'','','','none','','','','by uid 0 (root); until 2026-11-22T10:00:00Z; owner Jürgen; one letter','other.example','','','81912fef95a391d87d744f99450370467f650e59b327fd4b7b7b8e644ec61945',1);
INSERT INTO ledger VALUES(4,1795255260,'allow-remove','','','@clinic.example','bob@other.example','','',2,'','','','none','','','','by uid 0 (root); it is sent','other.example','','','6e1301af99402113066a92e6cd1c259c19be7d77d6b127a3a9bb0a741edbc4a6',1);
INSERT INTO ledger VALUES(5,1795255320,'decision','3T7Q-K2','4abcDEF','nurse@clinic.example','Alice@Partner.example','partner.example','default',1,'encrypted','enforce','meets','encrypted','','accept','accept','','partner.example','encrypted','learnt 2026-11-21T10:00:00Z','dbe95d45196bc2161baeb9f3c5003744b06bf8d9bb8cdc0f07a1b13dabc5685a',1);
INSERT INTO ledger VALUES(6,1795255380,'decision','3T7Q-K3','','nurse@clinic.example','bob@plain.example','plain.example','default',0,'authenticated','enforce','falls-short','none','nothing-published','reject','reject','','plain.example','','learnt 2026-11-21T10:00:00Z','0c19c69c9f2a17be30527e14112b342dd614b9662901ffeccead1256c2d6b173',1);
INSERT INTO ledger VALUES(7,1795255440,'decision','3T7Q-K4','','nurse@clinic.example','jörg@bücher.example','xn--bcher-kva.example','default',0,'authenticated','enforce','falls-short','none','nothing-published','reject','reject','','xn--bcher-kva.example','','','45e9da7716654d4e702b458200c81ae5696b443004c356d6f004458b0e13e58e',1);
INSERT INTO ledger VALUES(8,1795255500,'refusals','','','','@plain.example','','default',0,'','enforce','','','','','','37 recipients, client 192.0.2.7','plain.example','','','d5577817e800db210df0f0c591e147a64bf84aa9571f10ae723231e058beeb28',1);
INSERT INTO ledger VALUES(9,1795410439,'start','','','','','','',0,'','enforce','','','','','','mode=enforce lock=postfix rules=951e11662e5be255 configuration=20ab4ac4c5ea301b','','','','412c2c271b7728ca68288d6c29184bf860ce335f1e01e2aa6ca0ea8a4154e155',1);
INSERT INTO ledger VALUES(10,1795410439,'stop','','','','','','',0,'','enforce','','','','','','mode=enforce lock=postfix rules=951e11662e5be255 configuration=20ab4ac4c5ea301b','','','','8535ddb389bcb93e4c73a83aff079e6a78445027328958692d11c817109c1a3e',1);
CREATE TABLE promise (
        key   TEXT    NOT NULL,
        level TEXT    NOT NULL,
        until INTEGER NOT NULL,
        made  INTEGER NOT NULL,
        PRIMARY KEY (key, level)
    ) STRICT, WITHOUT ROWID;
INSERT INTO promise VALUES('[mx1.host.example]:25','dane',4102448400,1795255200);
INSERT INTO promise VALUES('held.example','authenticated',253402300799,1795255200);
INSERT INTO promise VALUES('partner.example','encrypted',4102448400,1795255200);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('ledger',10);
INSERT INTO sqlite_sequence VALUES('exception',2);
CREATE INDEX facts_by_use ON facts (used);
CREATE TRIGGER exception_stays BEFORE DELETE ON exception
        BEGIN SELECT raise(ABORT, 'an exception is ended, never deleted'); END;
CREATE INDEX ledger_by_reference ON ledger (reference) WHERE reference <> '';
CREATE INDEX ledger_by_queue_id  ON ledger (queue_id)  WHERE queue_id <> '';
CREATE INDEX ledger_by_sender    ON ledger (sender)    WHERE sender <> '';
CREATE INDEX ledger_by_recipient ON ledger (recipient) WHERE recipient <> '';
CREATE INDEX ledger_by_change ON ledger (kind) WHERE kind <> 'decision';
CREATE INDEX facts_by_refresh ON facts (refresh) WHERE refresh > 0;
CREATE TRIGGER ledger_stays BEFORE UPDATE ON ledger
        BEGIN SELECT raise(ABORT, 'a row of the ledger never changes'); END;
CREATE INDEX ledger_by_domain ON ledger (domain) WHERE domain <> '';
CREATE INDEX ledger_by_time   ON ledger (time);
COMMIT;
PRAGMA application_id = 1397247824;
PRAGMA user_version = 6;
