import type { StreamEvent } from '../../provider/index.js';

/** The last group of a stream that has to stop, cut to what is paid for. */
export interface PaidPart {
  events: readonly StreamEvent[];
  /** All text that has been delivered, with that of these events. */
  text: string;
}

/**
 * Finds how many events of the last group are paid for.
 * @param text everything up to the end of the group.
 * @param isPaid whether a delivered text is; longer ones are paid for less likely.
 */
export function paidPart(group: readonly StreamEvent[], text: string, isPaid: (text: string) => boolean): PaidPart {
  const ends = [text.length];
  for (const event of [...group].reverse()) ends.unshift((ends[0] ?? 0) - event.outputChars);
  let paid = 0;
  let beyond = group.length;
  while (paid < beyond) {
    const middle = Math.ceil((paid + beyond) / 2);
    if (isPaid(text.slice(0, ends[middle]))) paid = middle;
    else beyond = middle - 1;
  }
  return { events: group.slice(0, paid), text: text.slice(0, ends[paid]) };
}
