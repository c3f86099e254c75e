import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startOwnPostgres } from '../bench/postgres.js';
import { ANSWER_SCENES } from './answer-scenes.js';
import { BODY_SCENES } from './body-scenes.js';
import { Stage, type Measured, type Scene } from './stage.js';

const USAGE = `npm run test:hostile -- [--only <text>]

Sends hostile bodies to a gateway and hostile answers from an upstream, one scene after the other, with honest callers beside them.
Exits with 1 when one of them held the event loop for too long, an honest call failed, or a credit is missing or doubled.

  --only   scenes whose name contains the text`;

/** CPU time for which one caller or one upstream may hold the event loop. */
const HELD_MAX_MS = 100;
const HELD_GOAL_MS = 50;
const CONTROL_MS = 2_000;

/** The same load without anything hostile. */
const CONTROL: Scene = { name: 'nothing hostile', prepare: () => Promise.resolve(() => sleep(CONTROL_MS, 'control')) };
const SCENES: readonly Scene[] = [CONTROL, ...BODY_SCENES, ...ANSWER_SCENES];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string', default: '' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) return print(USAGE);
  const own = await startOwnPostgres();
  process.env['TEST_DATABASE_URL'] = own.url;
  const faults: string[] = [];
  try {
    const stage = await Stage.open();
    try {
      const results = await play(
        stage,
        SCENES.filter((scene) => scene === CONTROL || scene.name.includes(values.only)),
        faults,
      );
      faults.push(...faultsOf(results), ...(await stage.audit()));
      print(summaryOf(results));
    } finally {
      await stage.close();
    }
  } finally {
    await own.stop();
  }
  for (const fault of faults) print(`FAULT: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

async function play(stage: Stage, scenes: readonly Scene[], faults: string[]): Promise<Measured[]> {
  print(row(['scene', 'held ms', 'delay ms', 'honest p99 ms', 'calls', 'came']));
  const results: Measured[] = [];
  for (const scene of scenes) {
    try {
      const seen = await stage.measure(scene);
      results.push(seen);
      const { heldMs, delayMs, honestP99Ms, honestCalls, came } = seen;
      print(
        row([seen.scene, heldMs.toFixed(0), delayMs.toFixed(0), honestP99Ms.toFixed(0), honestCalls.toString(), came]),
      );
    } catch (error) {
      faults.push(String(error));
    }
  }
  return results;
}

function faultsOf(results: readonly Measured[]): string[] {
  // What the honest callers alone take on this machine, with whatever else runs there.
  const usualMs = results.find(({ scene }) => scene === CONTROL.name)?.heldMs ?? 0;
  return results.flatMap(({ scene, heldMs, honestFailures }) => [
    ...(heldMs - usualMs < HELD_MAX_MS ? [] : [`${scene} held the event loop for ${heldMs.toFixed(0)} ms`]),
    ...(honestFailures === 0 ? [] : [`${scene}: ${honestFailures.toString()} honest calls failed`]),
  ]);
}

function summaryOf(results: readonly Measured[]): string {
  const worst = Math.max(...results.map(({ heldMs }) => heldMs));
  const above = results.filter(({ heldMs }) => heldMs >= HELD_GOAL_MS).map(({ scene }) => scene);
  const p99 = Math.max(...results.map(({ honestP99Ms }) => honestP99Ms));
  const goal =
    above.length === 0
      ? `all below ${HELD_GOAL_MS.toString()} ms`
      : `above ${HELD_GOAL_MS.toString()} ms: ${above.join('; ')}`;
  return `longest hold ${worst.toFixed(0)} ms (${goal}); worst honest p99 ${p99.toFixed(0)} ms`;
}

function row([scene = '', ...cells]: readonly string[]): string {
  return `${scene.padEnd(42)}${cells.map((cell) => cell.padStart(10)).join('  ')}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
