import type { ExtendRequest, ExtendResult } from '../../wallet/index.js';
import { micros } from '../../platform/money/index.js';
import type { StreamEvent } from '../../provider/index.js';
import { FreezeExtender } from './freeze-extender.js';
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

function piece(outputChars: number): StreamEvent {
  return { data: '{}', outputChars, usageOnly: false };
}

function meterOf(outputTokensMax: number): StreamMeter {
  return new StreamMeter({ price, coveredTokens: 1024, outputTokensMax });
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

function extenderOf(wallets: Pick<Wallets, 'extend'>, meter: StreamMeter): FreezeExtender {
  const limits = { dailyMicros: null, weeklyMicros: null, requestsPerMinute: null, concurrency: null };
  return new FreezeExtender(wallets, meter, { id: 'r', accountId: 'a', limits }, () => undefined);
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

  it('stops a stream only when all that was paid for has flowed', async () => {
    const { wallets } = payer(0);
    const meter = meterOf(100_000);
    const extender = extenderOf(wallets, meter);
    meter.add(Array.from({ length: 600 }, () => piece(3)));
    expect(await extender.keepAhead()).toBe(true);
    await extender.settled();
    meter.add(Array.from({ length: 424 }, () => piece(3)));
    expect(await extender.keepAhead()).toBe(false);
  });
});
