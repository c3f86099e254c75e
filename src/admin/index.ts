export { AdminModule } from './admin.module.js';
export { adminErrorDoor } from './problem/problem.js';
export { PROBLEM_CODES, type ProblemCode } from './problem/problem-codes.js';
export { SeedModule } from './seed/seed.module.js';
export { SeedService, type SeedReport } from './seed/seed.service.js';
