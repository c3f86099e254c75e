/**
 * Loaded before a program (`node --import`): SIGUSR2 moves the wall clock of the process by CLOCK_JUMP_MS, as an operator or a
 * broken time server does. Timers and `performance.now` go on, as they do then.
 */
const jumpMs = Number(process.env['CLOCK_JUMP_MS'] ?? 0);
const realNow = Date.now.bind(Date);
let offsetMs = 0;

const JumpingDate = new Proxy(Date, {
  construct: (target, values: unknown[], made) =>
    Reflect.construct(target, values.length === 0 ? [realNow() + offsetMs] : values, made) as object,
  get: (target, name) => (name === 'now' ? () => realNow() + offsetMs : (Reflect.get(target, name) as unknown)),
});

globalThis.Date = JumpingDate;
process.on('SIGUSR2', () => {
  offsetMs += jumpMs;
});

export {};
