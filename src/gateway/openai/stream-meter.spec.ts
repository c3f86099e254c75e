import type { ExtendRequest, ExtendResult } from '../../wallet/index.js';
import { micros } from '../../platform/money/index.js';
import type { StreamEvent } from '../../provider/index.js';
import { FreezeExtender } from './freeze-extender.js';
import { paidPart } from './paid-part.js';
import { StreamMeter } from './stream-meter.js';

const price = {
  id: 'p',
  modelId: 'm',
  version: 1,
  effectiveAt: new Date(0),
  inputPerMtok: micros(1_000_000n),
  outputPerMtok: micros(2_000_000n),
  cacheReadPerMtok: micros(0n),
  cacheWritePerMtok: micros(0n),
};

function piece(outputChars: number, dataTokens = 0): StreamEvent {
  return { data: '{}', outputChars, outputBytes: outputChars, dataTokens, usageOnly: false };
}

function meterOf(outputTokensMax: number): StreamMeter {
  return new StreamMeter({ price, coveredTokens: 1024, hiddenTokens: 0, outputTokensMax });
}

type Wallets = ConstructorParameters<typeof FreezeExtender>[0];

/** Pays for a number of extensions and then refuses; a stand-in for the balance, not for the wallet's rules. */
function payer(extensions: number): { wallets: Pick<Wallets, 'extend'>; asked: bigint[] } {
  const asked: bigint[] = [];
  let left = extensions;
  const extend = ({ extraMicros }: ExtendRequest): Promise<ExtendResult> => {
    asked.push(extraMicros);
    left -= 1;
    if (left < 0) return Promise.resolve({ ok: false, refusal: 'wallet_too_low', frozenMicros: micros(1) });
    return Promise.resolve({ ok: true, frozenMicros: micros(2) });
  };
  return { wallets: { extend }, asked };
}

interface Situation {
  deliveredTokens?: () => number;
  roomMicros?: () => bigint;
  othersHold?: () => boolean;
  seenMicros?: bigint;
}

function extenderOf(wallets: Pick<Wallets, 'extend'>, meter: StreamMeter, situation: Situation = {}): FreezeExtender {
  const limits = { dailyMicros: null, weeklyMicros: null, requestsPerMinute: null, concurrency: null };
  return new FreezeExtender(wallets, meter, {
    base: { id: 'r', accountId: 'a', limits },
    seenMicros: () => (situation.seenMicros === undefined ? null : micros(situation.seenMicros)),
    deliveredTokens: situation.deliveredTokens ?? (() => meter.outputTokens),
    roomMicros: situation.roomMicros ?? (() => -1n),
    othersHold: () => Promise.resolve(situation.othersHold?.() ?? false),
    onExtended: () => undefined,
    gone: new AbortController().signal,
  });
}

describe('metering a stream', () => {
  it('asks for the next step before half of the freeze has flowed, and not earlier', () => {
    const meter = meterOf(100_000);
    meter.add(Array.from({ length: 511 }, () => piece(3)));
    expect(meter.stepTokens).toBe(0);
    meter.add([piece(3)]);
    expect(meter.stepTokens).toBe(1024);
  });

  it('never asks for more than the request allows', () => {
    const meter = meterOf(1100);
    meter.add(Array.from({ length: 600 }, () => piece(3)));
    expect(meter.stepTokens).toBe(76);
    expect(meterOf(1024).stepTokens).toBe(0);
  });

  it('counts a picture by its tokens, and every script by its bytes', () => {
    const meter = meterOf(100_000);
    meter.add([piece(0, 1_290), { ...piece(100), outputBytes: 300 }]);
    expect(meter.outputTokens).toBe(1_390);
  });

  it('counts scripts of one token a character by their events', () => {
    const meter = meterOf(100_000);
    meter.add(Array.from({ length: 90 }, () => piece(1)));
    expect(meter.outputTokens).toBe(90);
  });

  it('keeps a stream going while the wallet pays, at the price of the model', async () => {
    const { wallets, asked } = payer(10);
    const meter = meterOf(100_000);
    const extender = extenderOf(wallets, meter);
    meter.add(Array.from({ length: 3000 }, () => piece(3)));
    expect(await extender.keepAhead()).toBe(true);
    await extender.settled();
    expect(asked[0]).toBe(2n * BigInt(6 * 1024 - 1024));
  });

  it('takes smaller steps when little was left in the wallet', async () => {
    const { wallets, asked } = payer(10);
    const meter = meterOf(100_000);
    const extender = extenderOf(wallets, meter, { seenMicros: 32n * 200n });
    meter.add(Array.from({ length: 600 }, () => piece(3)));
    expect(await extender.keepAhead()).toBe(true);
    await extender.settled();
    expect(asked).toEqual([200n]);
  });

  it('asks for less when the wallet refuses, before it gives up', async () => {
    const { wallets, asked } = payer(0);
    const meter = meterOf(100_000);
    const extender = extenderOf(wallets, meter, { roomMicros: () => 1_000n });
    meter.add(Array.from({ length: 600 }, () => piece(3)));
    expect(await extender.keepAhead()).toBe(true);
    await extender.settled();
    expect(asked).toEqual([2048n, 512n, 128n, 32n]);
  });

  it('stops a stream only when all that is paid for by the exact count has come', async () => {
    const { wallets } = payer(0);
    const meter = meterOf(100_000);
    let roomMicros = 1_000n;
    const extender = extenderOf(wallets, meter, { roomMicros: () => roomMicros });
    meter.add(Array.from({ length: 600 }, () => piece(3)));
    expect(await extender.keepAhead()).toBe(true);
    await extender.settled();
    meter.add(Array.from({ length: 1_000 }, () => piece(3)));
    // The rough count is far beyond what is covered; the exact one leaves 500 tokens, then none, then is beyond, too.
    expect(await extender.keepAhead()).toBe(true);
    meter.add([piece(500)]);
    roomMicros = 0n;
    expect(await extender.keepAhead()).toBe(true);
    meter.add([piece(1)]);
    roomMicros = -2n;
    expect(await extender.keepAhead()).toBe(false);
  });

  it('asks for nothing when exactly the maximum has come, however early the rough count is', async () => {
    const { wallets, asked } = payer(10);
    const meter = new StreamMeter({ price, coveredTokens: 16, hiddenTokens: 0, outputTokensMax: 16 });
    const extender = extenderOf(wallets, meter, { deliveredTokens: () => 16 });
    meter.add([piece(90)]);
    expect(await extender.keepAhead()).toBe(true);
    expect(asked).toEqual([]);
    expect(meter.isPastMaximum).toBe(false);
  });

  it('has each step past the maximum paid for before it is delivered, and ends the stream after one', async () => {
    const { wallets, asked } = payer(10);
    const meter = new StreamMeter({ price, coveredTokens: 16, hiddenTokens: 0, outputTokensMax: 16 });
    let delivered = 40;
    const extender = extenderOf(wallets, meter, { deliveredTokens: () => delivered });
    meter.add([piece(120)]);
    expect(await extender.keepAhead()).toBe(true);
    expect(asked).toEqual([2048n]);
    expect(meter.isPastMaximum).toBe(true);
    delivered = 1_041;
    meter.add([piece(6_000)]);
    expect(await extender.keepAhead()).toBe(false);
    expect(asked).toEqual([2048n]);
  });

  it('keeps what is covered for unseen output apart, until all of the maximum is covered', () => {
    const meter = new StreamMeter({ price, coveredTokens: 9_024, hiddenTokens: 8_000, outputTokensMax: 9_600 });
    meter.add(Array.from({ length: 511 }, () => piece(3)));
    expect([meter.stepTokens, meter.usedUp]).toEqual([0, false]);
    meter.add([piece(3)]);
    expect(meter.stepTokens).toBe(576);
    meter.add(Array.from({ length: 600 }, () => piece(3)));
    expect(meter.usedUp).toBe(true);
    meter.extended(576);
    expect([meter.stepTokens, meter.usedUp, meter.reservedTokens]).toEqual([0, false, 0]);
  });

  it('waits for no credits past the maximum', async () => {
    const { wallets } = payer(0);
    const meter = new StreamMeter({ price, coveredTokens: 16, hiddenTokens: 0, outputTokensMax: 16 });
    const situation = { deliveredTokens: () => 40, roomMicros: () => -48n, othersHold: () => true };
    meter.add([piece(120)]);
    expect(await extenderOf(wallets, meter, situation).keepAhead()).toBe(false);
  });

  it('waits for what other requests of the wallet give back, and goes on', async () => {
    let refusals = 5;
    const extend = (): Promise<ExtendResult> => {
      refusals -= 1;
      if (refusals >= 0) return Promise.resolve({ ok: false, refusal: 'wallet_too_low', frozenMicros: micros(1) });
      return Promise.resolve({ ok: true, frozenMicros: micros(2) });
    };
    const meter = meterOf(100_000);
    const extender = extenderOf({ extend }, meter, { othersHold: () => true });
    meter.add(Array.from({ length: 1_024 }, () => piece(3)));
    expect(await extender.keepAhead()).toBe(true);
    expect(meter.usedUp).toBe(false);
  });
});

describe('the paid part of the last group', () => {
  const group = ['ab', 'cde', '', 'f'].map((text) => ({ ...piece(text.length), data: text }));

  it.each([
    [0, 'x', 0],
    [1, 'x', 0],
    [3, 'xab', 1],
    [5, 'xab', 1],
    [6, 'xabcde', 3],
    [7, 'xabcdef', 4],
  ])('of %i paid characters is %j', (paidChars, text, events) => {
    const all = { text: 'xabcdef', dataTokens: 0 };
    const paid = paidPart(group, all, (part) => part.text.length <= paidChars);
    expect(paid).toEqual({ delivered: { text, dataTokens: 0 }, events: group.slice(0, events) });
  });

  it('counts what is no text, too', () => {
    const pictures = [piece(0, 10), piece(0, 10), piece(0, 10)];
    const paid = paidPart(pictures, { text: 'x', dataTokens: 35 }, (part) => part.dataTokens <= 26);
    expect(paid).toEqual({ delivered: { text: 'x', dataTokens: 25 }, events: pictures.slice(0, 2) });
  });
});
