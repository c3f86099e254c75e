import { z } from 'zod';
import { encodeCursor, pageQuery, pageView, pageQueryOf } from './pagination.js';

const ID = '01980000-0000-7000-8000-000000000001';
const uuidPage = z.strictObject(pageQuery);
const textPage = z.strictObject(pageQueryOf(/^gwr_/));

describe('pages', () => {
  it('have 50 rows unless 1 to 200 are asked for', () => {
    expect(uuidPage.parse({})).toEqual({ limit: 50 });
    expect(uuidPage.parse({ limit: '200' }).limit).toBe(200);
    const refused = ['0', '201', '-1', '1.5', 'x', ''].filter((limit) => uuidPage.safeParse({ limit }).success);
    expect(refused).toEqual([]);
  });

  it('go on from a cursor that a page handed out', () => {
    const { next_cursor } = pageView({ items: [1, 2], nextCursor: ID }, String);
    expect(uuidPage.parse({ cursor: next_cursor }).cursor).toBe(ID);
    expect(textPage.parse({ cursor: encodeCursor('gwr_ü') }).cursor).toBe('gwr_ü');
  });

  it('end with a null cursor', () => {
    expect(pageView({ items: [], nextCursor: null }, String)).toEqual({ data: [], next_cursor: null });
  });

  it('refuse a cursor that no page handed out', () => {
    const forged = [ID, encodeCursor('x'), encodeCursor('gwr_1'), `${encodeCursor(ID)}=`, '%%%', ''];
    expect(forged.filter((cursor) => uuidPage.safeParse({ cursor }).success)).toEqual([]);
  });
});
