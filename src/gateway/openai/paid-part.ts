import type { DeliveredOutput, StreamEvent } from '../../provider/index.js';

/** The last group of a stream that has to stop, cut to what is paid for. */
export interface PaidPart {
  events: readonly StreamEvent[];
  /** All that has been delivered, with these events. */
  delivered: DeliveredOutput;
}

/**
 * Finds how many events of the last group are paid for.
 * @param all everything up to the end of the group.
 * @param isPaid whether a delivered part is; longer ones are paid for less likely.
 */
export function paidPart(
  group: readonly StreamEvent[],
  all: DeliveredOutput,
  isPaid: (part: DeliveredOutput) => boolean,
): PaidPart {
  const partOf = (events: number): DeliveredOutput => {
    const left = group.slice(events);
    const chars = left.reduce((sum, { outputChars }) => sum + outputChars, 0);
    const dataTokens = left.reduce((sum, event) => sum + event.dataTokens, 0);
    return { text: all.text.slice(0, all.text.length - chars), dataTokens: all.dataTokens - dataTokens };
  };
  let paid = 0;
  let beyond = group.length;
  while (paid < beyond) {
    const middle = Math.ceil((paid + beyond) / 2);
    if (isPaid(partOf(middle))) paid = middle;
    else beyond = middle - 1;
  }
  return { events: group.slice(0, paid), delivered: partOf(paid) };
}
