import { AppError } from '../../platform/errors/index.js';
import { isAutoModel, knobOf } from './knob.js';

describe('the knob of auto', () => {
  it.each([
    ['auto', null],
    ['auto:cheap', 'cheap'],
    ['auto:best', 'best'],
    ['auto:fast', 'fast'],
    ['auto:0', 0],
    ['auto:1', 1],
    ['auto:1.0', 1],
    ['auto:0.35', 0.35],
    ['auto:.5', 0.5],
  ])('%s', (model, knob) => {
    expect(isAutoModel(model)).toBe(true);
    expect(knobOf(model)).toBe(knob);
  });

  it.each([
    '',
    'Best',
    'bset',
    '1.1',
    '-0.1',
    '1e-3',
    'NaN',
    'Infinity',
    '0x1',
    ' 0.5',
    '0.5 ',
    '0.1234567',
    '٠',
    'cheap:best',
  ])('auto:%s is refused, naming what exists', (text) => {
    expect(isAutoModel(`auto:${text}`)).toBe(true);
    try {
      knobOf(`auto:${text}`);
      throw new Error('it was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ kind: 'invalid_request', code: 'unknown_auto_knob', param: 'model' });
      for (const name of ['auto:cheap', 'auto:best', 'auto:fast', '0', '1'])
        expect((error as AppError).hint).toContain(name);
    }
  });

  it.each(['auto-1', 'autopilot', 'AUTO', 'acme/auto:best', ''])('is not what %j asks for', (model) => {
    expect(isAutoModel(model)).toBe(false);
  });
});
