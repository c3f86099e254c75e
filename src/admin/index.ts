export { AdminModule } from './admin.module.js';
export { PoolApply, type PoolReport } from './pool/pool-apply.service.js';
export { PoolModule } from './pool/pool.module.js';
export { PoolRefusedError } from './pool/pool-places.js';
export { poolReportJson, poolReportText } from './pool/pool-report.js';
export { adminErrorDoor } from './problem/problem.js';
export { PROBLEM_CODES, type ProblemCode } from './problem/problem-codes.js';
export { SeedModule } from './seed/seed.module.js';
export { RefusedSettingError, SeedService, type SeedReport } from './seed/seed.service.js';
