import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { LoadJob, LoadResult } from './load-job.js';

/** Kernel clock ticks a second in /proc; fixed at 100 on Linux. */
const TICKS_PER_S = 100;
const MIB_KIB = 1024;

/** CPU time that a process and its ended children have used, in seconds; 0 when it is gone. */
function cpuSecondsOf(pid: number): number {
  const fields = statFields(pid);
  if (fields === null) return 0;
  // utime, stime, cutime, cstime: fields 14 to 17 of proc(5); `fields` starts after the name, at field 3.
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / TICKS_PER_S;
}

/** CPU time of whole process trees, in seconds. */
export function cpuSeconds(roots: readonly number[]): number {
  return treeOf(roots).reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
}

/** CPU time that the whole machine has used since it started, in seconds. */
export function machineCpuSeconds(): number {
  const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/).map(Number);
  // user, nice, system, then idle and waiting, then interrupts; guests are part of user.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields;
  return (user + nice + system + irq + softirq) / TICKS_PER_S;
}

/** Resident memory of one process in MiB. */
export function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid.toString()}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / MIB_KIB;
}

function statFields(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid.toString()}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

function treeOf(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const fields = Number.isInteger(pid) ? statFields(pid) : null;
    if (fields === null) continue;
    const parent = Number(fields[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  const waiting = [...roots];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    found.push(pid);
    waiting.push(...(children.get(pid) ?? []));
  }
  return [...new Set(found)];
}

/** The load generator, in a process of its own. */
export class LoadProcess {
  private readonly child: ChildProcess;

  constructor() {
    this.child = fork('dist/test/bench/load-main.js', { stdio: 'inherit' });
  }

  async run(job: LoadJob): Promise<LoadResult> {
    const answered = once(this.child, 'message');
    this.child.send(job);
    return ((await answered) as [LoadResult])[0];
  }

  stop(): void {
    this.child.kill('SIGTERM');
  }
}

/** The bare Fastify and undici proxy, in a process of its own. */
export async function startBareProxy(upstreamUrl: string): Promise<{ url: string; pid: number; stop: () => void }> {
  const child = spawn(process.execPath, ['dist/test/bench/bare-proxy.js', upstreamUrl], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^proxy ready (\S+)$/.exec(line)?.[1];
    if (url !== undefined) return { url, pid: child.pid ?? 0, stop: () => child.kill('SIGTERM') };
  }
  throw new Error('the bare proxy ended before it was ready');
}
