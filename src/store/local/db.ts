// The store's database: Nix's schema 10 in SQLite (WAL), exactly as libstore/schema.sql and local-store.cc of C++ Nix 2.34.8 have it, so
// that both can use one database at the same time. The one file that knows the SQLite binding (node:sqlite). Paths in the database
// are full logical paths ("/nix/store/..."). All calls are synchronous; writes happen in transactions that take the write lock at once.

import { mkdirSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { compareStrings } from '../../base/bytes.ts';
import { FormatError, InvalidPathError, StoreError } from '../../base/errors.ts';
import { parseHash, printHash } from '../../base/hash.ts';
import { parseContentAddress, printContentAddress } from '../../model/content-address.ts';
import { type PathInfo, sortSignatures } from '../../model/path-info.ts';
import type { DerivationOutputId, Realisation } from '../../model/realisation.ts';
import { parseStorePath, type StoreDir, type StorePath } from '../../model/store-path.ts';

/** The version in the file `db/schema`. */
export const SCHEMA_VERSION = 10;

/** How long a statement waits for another process's write to end. */
const BUSY_TIMEOUT_MS = 60_000;

const SCHEMA = `
create table if not exists ValidPaths (
    id               integer primary key autoincrement not null,
    path             text unique not null,
    hash             text not null,
    registrationTime integer not null,
    deriver          text,
    narSize          integer,
    ultimate         integer,
    sigs             text,
    ca               text
);
create table if not exists Refs (
    referrer  integer not null,
    reference integer not null,
    primary key (referrer, reference),
    foreign key (referrer) references ValidPaths(id) on delete cascade,
    foreign key (reference) references ValidPaths(id) on delete restrict
);
create index if not exists IndexReferrer on Refs(referrer);
create index if not exists IndexReference on Refs(reference);
create trigger if not exists DeleteSelfRefs before delete on ValidPaths
  begin
    delete from Refs where referrer = old.id and reference = old.id;
  end;
create table if not exists DerivationOutputs (
    drv  integer not null,
    id   text not null,
    path text not null,
    primary key (drv, id),
    foreign key (drv) references ValidPaths(id) on delete cascade
);
create index if not exists IndexDerivationOutputs on DerivationOutputs(path);
create table if not exists SchemaMigrations (migration text primary key not null);
`;

/** As libstore/ca-specific-schema.sql has it; RealisationsRefs stays empty, but its triggers are C++ Nix's. */
const REALISATIONS_MIGRATION = '20220326-ca-derivations';
const REALISATIONS_SCHEMA = `
create table if not exists Realisations (
    id integer primary key autoincrement not null,
    drvPath text not null,
    outputName text not null,
    outputPath integer not null,
    signatures text,
    foreign key (outputPath) references ValidPaths(id) on delete cascade
);
create index if not exists IndexRealisations on Realisations(drvPath, outputName);
create trigger if not exists DeleteSelfRefsViaRealisations before delete on ValidPaths
  begin
    delete from RealisationsRefs where realisationReference in (
      select id from Realisations where outputPath = old.id
    );
  end;
create table if not exists RealisationsRefs (
    referrer integer not null,
    realisationReference integer,
    foreign key (referrer) references Realisations(id) on delete cascade,
    foreign key (realisationReference) references Realisations(id) on delete restrict
);
create index if not exists IndexRealisationsRefsRealisationReference on RealisationsRefs(realisationReference);
create index if not exists IndexRealisationsRefs on RealisationsRefs(referrer);
create index if not exists IndexRealisationsRefsOnOutputPath on Realisations(outputPath);
insert into SchemaMigrations values ('${REALISATIONS_MIGRATION}');
`;

/** Every statement, by name; prepared when first used. */
const STATEMENTS = {
  insertPath: 'insert into ValidPaths (path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca) values (?, ?, ?, ?, ?, ?, ?, ?)',
  updatePath: 'update ValidPaths set narSize = ?, hash = ?, ultimate = ?, sigs = ?, ca = ? where path = ?',
  insertReferences: 'insert or replace into Refs (referrer, reference) select ?1, value from json_each(?2)',
  insertOutput: 'insert or replace into DerivationOutputs (drv, id, path) values (?, ?, ?)',
  deletePath: 'delete from ValidPaths where path = ?',
  pathId: 'select id from ValidPaths where path = ?',
  pathInfo: 'select id, hash, registrationTime, deriver, narSize, ultimate, sigs, ca from ValidPaths where path = ?',
  references: 'select path from Refs join ValidPaths on reference = id where referrer = ?',
  referrers: 'select path from Refs join ValidPaths on referrer = id where reference = (select id from ValidPaths where path = ?)',
  derivers: 'select v.path from DerivationOutputs d join ValidPaths v on d.drv = v.id where d.path = ?',
  outputs: 'select d.id, d.path from DerivationOutputs d join ValidPaths v on d.drv = v.id where v.path = ?',
  pathFromHashPart: 'select path from ValidPaths where path >= ? limit 1',
  allPaths: 'select path from ValidPaths',
  migration: 'select migration from SchemaMigrations where migration = ?',
  realisation:
    'select v.path, r.signatures from Realisations r join ValidPaths v on v.id = r.outputPath where r.drvPath = ? and r.outputName = ?',
  insertRealisation:
    'insert into Realisations (drvPath, outputName, outputPath, signatures) values (?, ?, (select id from ValidPaths where path = ?), ?)',
  updateRealisation: 'update Realisations set signatures = ? where drvPath = ? and outputName = ?',
} as const;
type StatementName = keyof typeof STATEMENTS;

interface PathRow {
  id: number;
  hash: string;
  registrationTime: number;
  deriver: string | null;
  narSize: number | null;
  ultimate: number | null;
  sigs: string | null;
  ca: string | null;
}

export interface OpenDatabaseOptions {
  /** Folder `db` of the state directory. */
  readonly folder: string;
  readonly storeDir: StoreDir;
  /** Nothing is written, and nobody else writes meanwhile (the files may lie on a read-only file system). */
  readonly immutable?: boolean;
  /** Make tables that are not there yet. */
  readonly create?: boolean;
}

/** A path with what the database keeps beside it: where a derivation's outputs will be, as far as known. */
export interface Registration {
  readonly info: PathInfo;
  /** Of a derivation: output name -> path. */
  readonly outputs?: ReadonlyMap<string, StorePath> | undefined;
}

/** One connection. */
export class StoreDatabase {
  readonly #db: DatabaseSync;
  readonly #storeDir: StoreDir;
  readonly #file: string;
  readonly #prepared = new Map<StatementName, StatementSync>();
  #inTransaction = false;

  constructor(options: OpenDatabaseOptions) {
    const { folder, storeDir, immutable = false, create = false } = options;
    this.#storeDir = storeDir;
    this.#file = `${folder}/db.sqlite`;
    if (create) mkdirSync(folder, { recursive: true });
    const url = pathToFileURL(this.#file);
    url.search = immutable ? '?immutable=1' : create ? '' : '?mode=rw';
    try {
      this.#db = new DatabaseSync(url, { readOnly: immutable, timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    } catch (error) {
      throw this.#storeError(error);
    }
    if (!immutable) this.#configure(create);
  }

  #configure(create: boolean): void {
    this.#guard(() => {
      this.#db.exec('pragma synchronous = normal');
      const { journal_mode: mode } = this.#db.prepare('pragma main.journal_mode').get() as { journal_mode: string };
      if (mode !== 'wal') this.#db.exec('pragma main.journal_mode = wal');
      // As C++ Nix sets them: the journal is kept within bounds, and a whole instantiation costs one fsync.
      this.#db.exec('pragma main.journal_size_limit = 1099511627776');
      this.#db.exec('pragma wal_autocheckpoint = 40000');
      if (create) this.#db.exec(SCHEMA);
    });
  }

  close(): void {
    this.#prepared.clear();
    this.#db.close();
  }

  #storeError(error: unknown): unknown {
    const { code, errcode, message } = error as { code?: string; errcode?: number; message?: string };
    if (code !== 'ERR_SQLITE_ERROR') return error;
    const primary = (errcode ?? 0) & 0xff;
    const hint =
      primary === 5
        ? 'another process has been writing to the store for a minute; wait for it to end'
        : primary === 13
          ? 'free some space (`floe store gc` deletes what nothing uses) and try again'
          : primary === 8 || primary === 14 || primary === 23
            ? 'is the folder there, and may this user write to it?'
            : undefined;
    return new StoreError(`store database '${this.#file}': ${message ?? 'unknown error'}`, {
      code: 'FLOE_STORE_DATABASE',
      data: { file: this.#file, sqliteCode: errcode },
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw this.#storeError(error);
    }
  }

  #statement(name: StatementName): StatementSync {
    let statement = this.#prepared.get(name);
    if (statement === undefined) {
      statement = this.#db.prepare(STATEMENTS[name]);
      this.#prepared.set(name, statement);
    }
    return statement;
  }

  #run(name: StatementName, ...values: SQLInputValue[]): number {
    return Number(this.#statement(name).run(...values).lastInsertRowid);
  }

  #print(path: StorePath): string {
    return `${this.#storeDir}/${path}`;
  }

  #paths(name: StatementName, ...values: SQLInputValue[]): StorePath[] {
    return this.#guard(() =>
      this.#statement(name)
        .all(...values)
        .map((row) => parseStorePath(row['path'] as string, this.#storeDir)),
    );
  }

  /** All or nothing; other processes see the result at once. Inside another transaction it is part of that. */
  transaction<T>(action: () => T): T {
    if (this.#inTransaction) return action();
    this.#guard(() => this.#db.exec('begin immediate'));
    this.#inTransaction = true;
    try {
      const result = action();
      this.#guard(() => this.#db.exec('commit'));
      return result;
    } catch (error) {
      // After a full disk SQLite has rolled back by itself.
      if (this.#db.isTransaction) this.#db.exec('rollback');
      throw this.#storeError(error);
    } finally {
      this.#inTransaction = false;
    }
  }

  isValid(path: StorePath): boolean {
    return this.#guard(() => this.#statement('pathId').get(this.#print(path)) !== undefined);
  }

  queryPathInfo(path: StorePath): PathInfo | undefined {
    return this.#guard(() => {
      const row = this.#statement('pathInfo').get(this.#print(path)) as PathRow | undefined;
      return row === undefined ? undefined : this.#pathInfo(path, row);
    });
  }

  #pathInfo(path: StorePath, row: PathRow): PathInfo {
    try {
      return {
        path,
        narHash: parseHash(row.hash),
        narSize: row.narSize ?? 0,
        references: this.#paths('references', row.id).sort(compareStrings),
        deriver: row.deriver ? parseStorePath(row.deriver, this.#storeDir) : undefined,
        registrationTime: row.registrationTime,
        ultimate: row.ultimate === 1,
        signatures: row.sigs ? row.sigs.split(' ').filter((text) => text !== '') : [],
        contentAddress: row.ca ? parseContentAddress(row.ca) : undefined,
      };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new StoreError(`store database '${this.#file}' holds a bad entry for '${this.#print(path)}': ${error.message}`, {
        code: 'FLOE_STORE_DATABASE',
        data: { file: this.#file, path },
        cause: error,
      });
    }
  }

  queryAllPaths(): StorePath[] {
    return this.#paths('allPaths');
  }

  queryReferrers(path: StorePath): StorePath[] {
    return this.queryOwnReferrers(path);
  }

  /** Those that this database itself knows: while they are valid, the path cannot be forgotten here. */
  queryOwnReferrers(path: StorePath): StorePath[] {
    return this.#paths('referrers', this.#print(path)).sort(compareStrings);
  }

  /** Valid derivations that have the path as an output. */
  queryDerivers(path: StorePath): StorePath[] {
    return this.#paths('derivers', this.#print(path)).sort(compareStrings);
  }

  /** Output paths of a valid derivation, as far as they are known. */
  queryOutputs(derivation: StorePath): Map<string, StorePath> {
    return this.#guard(() => {
      const rows = this.#statement('outputs').all(this.#print(derivation)) as { id: string; path: string }[];
      return new Map(rows.sort((a, b) => compareStrings(a.id, b.id)).map(({ id, path }) => [id, parseStorePath(path, this.#storeDir)]));
    });
  }

  queryPathFromHashPart(hashPart: string): StorePath | undefined {
    const prefix = `${this.#storeDir}/${hashPart}`;
    return this.#paths('pathFromHashPart', prefix).find((path) => path.startsWith(`${hashPart}-`));
  }

  #idOf(path: StorePath, known: ReadonlyMap<StorePath, number>): number {
    const id = known.get(path) ?? (this.#statement('pathId').get(this.#print(path)) as { id: number } | undefined)?.id;
    if (id === undefined) throw new InvalidPathError(`path '${this.#print(path)}' is not valid`, { data: { path } });
    return id;
  }

  /**
   * Makes all paths valid in one transaction; a reference must be valid already or among them. What was valid before keeps its time
   * and deriver and gets the rest anew.
   */
  register(registrations: readonly Registration[], now: number): void {
    this.transaction(() => {
      const ids = new Map<StorePath, number>();
      for (const registration of registrations) ids.set(registration.info.path, this.#insert(registration, now));
      for (const { info } of registrations) {
        const referrer = ids.get(info.path)!;
        if (info.references.length === 0) continue;
        // PERF: one statement a path instead of one a reference; 1,500 derivations have 12,000.
        this.#run('insertReferences', referrer, `[${info.references.map((reference) => this.#idOf(reference, ids)).join()}]`);
      }
    });
  }

  #insert({ info, outputs }: Registration, now: number): number {
    const row = this.#statement('pathId').get(this.#print(info.path)) as { id: number } | undefined;
    if (row !== undefined) {
      this.update(info);
      return row.id;
    }
    const id = this.#run(
      'insertPath',
      this.#print(info.path),
      printHash(info.narHash, 'base16', true),
      info.registrationTime === 0 ? now : info.registrationTime,
      info.deriver === undefined ? null : this.#print(info.deriver),
      ...this.#detail(info),
    );
    for (const [output, path] of outputs ?? []) this.#run('insertOutput', id, output, this.#print(path));
    return id;
  }

  #detail(info: PathInfo): [narSize: number | null, ultimate: number | null, signatures: string | null, contentAddress: string | null] {
    return [
      info.narSize === 0 ? null : info.narSize,
      info.ultimate ? 1 : null,
      info.signatures.length === 0 ? null : sortSignatures(info.signatures).join(' '),
      info.contentAddress === undefined ? null : printContentAddress(info.contentAddress),
    ];
  }

  /** Size, hash, trust, signatures and content address of a valid path anew. */
  update(info: PathInfo): void {
    this.#guard(() => {
      const [narSize, ultimate, signatures, contentAddress] = this.#detail(info);
      this.#run(
        'updatePath',
        narSize,
        printHash(info.narHash, 'base16', true),
        ultimate,
        signatures,
        contentAddress,
        this.#print(info.path),
      );
    });
  }

  /** Forgets a path; StoreError where another valid path still refers to it. */
  invalidate(path: StorePath): void {
    this.transaction(() => {
      const referrers = this.queryOwnReferrers(path).filter((referrer) => referrer !== path);
      if (referrers.length > 0) {
        const list = referrers.map((referrer) => `'${this.#print(referrer)}'`).join(', ');
        throw new StoreError(`cannot delete path '${this.#print(path)}' because it is in use by ${list}`, {
          code: 'FLOE_PATH_IN_USE',
          data: { path, referrers },
        });
      }
      this.#run('deletePath', this.#print(path));
    });
  }

  /** Makes the tables of realisations where they are missing. */
  addRealisations(): void {
    this.transaction(() => {
      if (this.#statement('migration').get(REALISATIONS_MIGRATION) === undefined) this.#db.exec(REALISATIONS_SCHEMA);
    });
  }

  queryRealisation(id: DerivationOutputId): Realisation | undefined {
    return this.#guard(() => {
      const row = this.#statement('realisation').get(printHash(id.hash, 'base16', true), id.output);
      if (row === undefined) return undefined;
      const signatures = String(row['signatures'] ?? '')
        .split(' ')
        .filter((text) => text !== '');
      return { id, path: parseStorePath(row['path'] as string, this.#storeDir), signatures };
    });
  }

  /** Writes a realisation; its path must be valid. */
  putRealisation({ id, path, signatures }: Realisation, isKnown: boolean): void {
    this.#guard(() => {
      const hash = printHash(id.hash, 'base16', true);
      const text = sortSignatures(signatures).join(' ');
      if (isKnown) this.#run('updateRealisation', text, hash, id.output);
      else this.#run('insertRealisation', hash, id.output, this.#print(path), text);
    });
  }

  /** Rewrites the file without its gaps. */
  vacuum(): void {
    this.#guard(() => this.#db.exec('vacuum'));
  }
}
