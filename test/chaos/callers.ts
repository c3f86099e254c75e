import { randomBytes } from 'node:crypto';
import { AdminClient } from '../support/admin.js';
import { chat, prompt, readStream, type Completion } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import type { Fleet } from './fleet.js';
import { TOP_UP_CREDITS, type CallPlan, type Scene } from './scene.js';

/** A key of a top-up whose process was killed in the middle is free again after a minute, and may be as unlucky again. */
const TOP_UP_TIMEOUT_MS = 900_000;

/** A price that a caller was told with a whole answer: it must be charged exactly so. */
export interface Promised {
  requestId: string;
  creditsUsed: string;
}

/** What the callers of a run have seen. */
export class Witness {
  requests = 0;
  /** Answers by what became of them: `whole`, `error 402`, `cut`, `connection lost`, … */
  readonly answers = new Map<string, number>();
  readonly promises: Promised[] = [];
  /** Requests that were answered with an error before any output: nothing may be charged. */
  readonly refused: string[] = [];
  topUps = 0;
  /** What should not happen to a caller, whoever is killed. */
  readonly faults: string[] = [];

  note(answer: string): void {
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
  }
}

export interface LoadOptions {
  requests: number;
  /** How many callers work at once. */
  callers: number;
}

/** A load under way. */
export interface Load {
  witness: Witness;
  /** Every request has been sent; the last ones may still run. */
  sent: Promise<void>;
  /** Every request has come to some end. */
  ended: Promise<void>;
  /** Every top-up has been taken; some wait for the fleet to come back. */
  toppedUp: () => Promise<void>;
}

/** Sends all requests of a run through whatever gateways are up. */
export function startLoad(fleet: Fleet, scene: Scene, options: LoadOptions): Load {
  const witness = new Witness();
  const topUps: Promise<void>[] = [];
  let tellSent: () => void = () => undefined;
  const sent = new Promise<void>((resolve) => (tellSent = resolve));
  const caller = async (): Promise<void> => {
    while (witness.requests < options.requests) {
      const plan = scene.planOf(witness.requests++);
      if (plan.topsUp) topUps.push(topUp(fleet, plan, witness));
      const url = await fleet.gatewayUrl(plan.gateway);
      if (url === null) return witness.note('not sent any more');
      witness.note(await call(url, plan, witness));
    }
    tellSent();
  };
  const ended = Promise.all(Array.from({ length: options.callers }, caller)).then(() => undefined);
  return { witness, sent, ended, toppedUp: () => Promise.all(topUps).then(() => undefined) };
}

/** Adds credits as a careful operator's script does: again and again under one key until it is told that it worked. */
async function topUp(fleet: Fleet, { payer, gateway }: CallPlan, witness: Witness): Promise<void> {
  const reference = `chaos ${randomBytes(6).toString('hex')}`;
  const path = `/accounts/${payer.accountId}/wallets/standard/top-ups`;
  const done = async (): Promise<true | null> => {
    const url = await fleet.gatewayUrl(gateway);
    if (url === null) return null;
    const admin = new AdminClient(url);
    const headers = { 'idempotency-key': reference };
    const sent = admin.send('POST', path, { amount: TOP_UP_CREDITS, reference }, headers);
    return sent.then(
      (response) => (response.ok ? true : null),
      () => null,
    );
  };
  try {
    await pollUntil(done, 'a top-up to be taken', TOP_UP_TIMEOUT_MS);
    witness.topUps += 1;
  } catch (error) {
    witness.faults.push(String(error));
  }
}

async function call(url: string, plan: CallPlan, witness: Witness): Promise<string> {
  const leaving = new AbortController();
  const timer = plan.leavesAfterMs === null ? null : setTimeout(() => leaving.abort(), plan.leavesAfterMs);
  try {
    const body = prompt(plan.model, { stream: plan.stream, max_tokens: plan.maxTokens });
    const response = await chat(url, body, { key: plan.payer.key, signal: leaving.signal });
    const requestId = response.headers.get('x-daoe-request-id') ?? '';
    if (response.status !== 200) {
      await response.body?.cancel();
      witness.refused.push(requestId);
      return `error ${response.status.toString()}`;
    }
    return await (plan.stream ? readAsStream(response, requestId, witness) : readWhole(response, requestId, witness));
  } catch {
    return leaving.signal.aborted ? 'caller left' : 'connection lost';
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}

async function readWhole(response: Response, requestId: string, witness: Witness): Promise<string> {
  const { metadata } = (await response.json()) as Completion;
  witness.promises.push({ requestId, creditsUsed: metadata.billing.credits_used });
  return 'whole';
}

async function readAsStream(response: Response, requestId: string, witness: Witness): Promise<string> {
  const answer = await readStream(response);
  if (!answer.done) return 'cut by the upstream';
  witness.promises.push({ requestId, creditsUsed: answer.metadata?.billing.credits_used ?? 'nothing' });
  const finish = answer.chunks.findLast(({ choices }) => (choices[0]?.finish_reason ?? null) !== null);
  return finish?.choices[0]?.finish_reason === 'length' ? 'stopped for want of credits' : 'whole';
}
