/**
 * Small non-cryptographic hashes for stickiness. They must give the same number in every process and after every
 * restart, because two replicas have to choose the same model for a session without talking to each other.
 */

/** FNV-1a over UTF-16 units: an unsigned 32-bit number. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return scramble(hash);
}

/**
 * Rendezvous weight of one member for one session: uniform in (0, 1). The member with the highest weight wins, so a
 * member that leaves moves only its own sessions.
 */
export function drawFor(sessionHash: number, memberHash: number): number {
  return (scramble(sessionHash ^ Math.imul(memberHash, 0x9e3779b1)) + 0.5) / 0x1_0000_0000;
}

/** Finaliser of MurmurHash3: every input bit moves every output bit. */
export function scramble(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
