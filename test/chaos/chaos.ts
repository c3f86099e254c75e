import { Client } from 'pg';
import { createTestDatabase } from '../support/database.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { World } from '../support/world.js';
import { startLoad, type LoadOptions, type Witness } from './callers.js';
import { Fleet, type KillOptions } from './fleet.js';
import { differencesOf, figuresOf, untilRecovered, type MoneyFigures } from './ledger-report.js';
import { Random } from './random.js';
import { Scene } from './scene.js';

export interface ChaosOptions extends LoadOptions {
  seed: number;
  kill: KillOptions;
}

export interface ChaosReport {
  options: ChaosOptions;
  loadMs: number;
  /** From the last crash until nothing was frozen any more. */
  recoveryMs: number;
  kills: Readonly<Record<'SIGKILL' | 'SIGTERM', number>>;
  witness: Witness;
  money: MoneyFigures;
  /** What is wrong, one line each; empty when the books are right and every promise was kept. */
  differences: string[];
}

/**
 * Two gateways, two workers, the fault-injecting upstream, one database of its own on the server of TEST_DATABASE_URL; each
 * process is killed again and again while callers work. Then everything is killed, workers recover, and the books are audited.
 * The database is kept when something is wrong.
 */
export async function runChaos(options: ChaosOptions, progress: (text: string) => void): Promise<ChaosReport> {
  const database = await createTestDatabase();
  const upstream = await UpstreamProcess.start({ record: false });
  const world = await World.create({}, { database: { url: database.url, drop: () => Promise.resolve() }, upstream });
  const client = new Client({ connectionString: database.url });
  try {
    const scene = await Scene.create(world, options.seed);
    await world.gateway.stop();
    await client.connect();
    const report = await unleash(options, database.url, { client, scene, progress });
    await client.end();
    if (report.differences.length === 0) await database.drop();
    else progress(`the database is kept: ${new URL(database.url).pathname.slice(1)}`);
    return report;
  } finally {
    await world.destroy();
  }
}

interface Stage {
  client: Client;
  scene: Scene;
  progress: (text: string) => void;
}

async function unleash(options: ChaosOptions, databaseUrl: string, stage: Stage): Promise<ChaosReport> {
  const { client, scene, progress } = stage;
  const fleet = await Fleet.start(databaseUrl);
  try {
    progress(`${options.requests.toString()} requests, seed ${options.seed.toString()}`);
    const startedMs = performance.now();
    fleet.startKilling(new Random(options.seed), options.kill);
    const load = startLoad(fleet, scene, options);
    await load.sent;
    const loadMs = performance.now() - startedMs;
    progress('everything is killed, with the last requests in flight');
    await fleet.crash();
    await load.ended;
    const crashedMs = performance.now();
    await fleet.recover();
    await untilRecovered(client);
    const recoveryMs = performance.now() - crashedMs;
    progress('nothing is frozen; top-ups cut off in the middle are sent again, which takes up to a minute');
    await load.toppedUp();
    await fleet.end();
    progress('audit');
    const { witness } = load;
    const differences = [...fleet.faults, ...witness.faults, ...(await differencesOf(client, witness))];
    const money = await figuresOf(client);
    return { options, loadMs, recoveryMs, kills: fleet.kills, witness, money, differences };
  } finally {
    await fleet.crash();
  }
}
