import { registerHooks } from 'node:module';

/* Lets plain Node run the sources: they import each other by the names that the build gives them. */
registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const fromSources = context.parentURL?.endsWith('.ts') === true && specifier.startsWith('.');
    return nextResolve(fromSources ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});
