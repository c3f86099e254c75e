import { readReRateOptions } from './re-rate-options.js';

const RANGE = ['--from', '2026-11-01', '--to', '2026-11-02T00:00:00+01:00'];

describe('the options of re-rate', () => {
  it('are a range of time, a model, a price and a format', () => {
    expect(readReRateOptions([...RANGE, '--model', 'acme/small', '--price', '3', '--json'])).toEqual({
      request: {
        from: new Date('2026-11-01T00:00:00Z'),
        to: new Date('2026-11-01T23:00:00Z'),
        model: 'acme/small',
        price: '3',
      },
      json: true,
    });
    expect(readReRateOptions(RANGE)).toMatchObject({ request: { model: undefined, price: undefined }, json: false });
  });

  it.each([
    [['--from', '2026-11-01'], '--to'],
    [['--from', 'yesterday', '--to', '2026-11-02'], '--from'],
    [['--from', '2026-11-31T99:00:00Z', '--to', '2026-12-02'], '--from'],
    [['--from', '2026-11-02', '--to', '2026-11-02'], 'after --from'],
    [[...RANGE, '--modle', 'x'], '--modle'],
    [[...RANGE, 'x'], 'x'],
    [[...RANGE, '--price'], '--price'],
  ])('%j are refused by name', (args, named) => {
    expect(() => readReRateOptions(args)).toThrow(named);
  });

  it('ask for help', () => {
    expect(readReRateOptions(['--help'])).toBeNull();
  });
});
