import { setSourceMapsSupport } from 'node:module';

// Loaded before the program (`node --import`): stack traces name lines of the sources. With `--enable-source-maps` the maps of all
// dependencies stay in memory, too; see `test/bench/README.md`.
setSourceMapsSupport(true, { nodeModules: false });
