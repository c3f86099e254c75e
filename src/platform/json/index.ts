export { parseExactly, toDouble } from './exact-numbers.js';
export { JsonBoundsError, type JsonBounds } from './json-bounds.js';
export { checkJson, readJson, type ReadOptions } from './read-json.js';
export { TimeSlices } from './time-slices.js';
export { writeJson } from './write-json.js';
