import { pino, type Logger } from 'pino';
import { plainLines } from './logging.js';

/** A logger and the lines that it wrote. */
function recorded(level = 'info'): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const options = {
    level,
    base: { role: 'gateway', pid: 7 },
    timestamp: () => ',"time":"2026-01-02T03:04:05.678Z"',
    formatters: { level: (label: string) => ({ level: label }) },
    redact: ['token'],
  };
  return { logger: pino(options, { write: (line: string) => void lines.push(line) }), lines };
}

describe('lines of every request', () => {
  it('are written as the logger itself would write them', () => {
    for (const fields of [
      {},
      { request_id: 'gwr_1', error: null, status: 200, total_ms: 1.5, served: true, absent: undefined },
      { attempts: ['a=ok', 'say "hi"\\=http_503'], stage_ms: { receive: 0.1, settle: null }, model: 'naïve 漢字 🎈\n' },
    ]) {
      const { logger, lines } = recorded();
      logger.info(fields, 'request "done"');
      plainLines(logger, 'request "done"')(fields);
      expect(lines[1]).toBe(lines[0]);
    }
  });

  it('are not written above the level of the logger', () => {
    const { logger, lines } = recorded('warn');
    plainLines(logger, 'request')({ status: 200 });
    expect(lines).toEqual([]);
  });

  it('change nothing for the logger that they are written through', () => {
    const { logger, lines } = recorded();
    plainLines(logger, 'request')({ status: 200 });
    logger.warn({ token: 'secret' }, 'another');
    expect(lines[1]).toContain('"token":"[Redacted]"');
  });
});
