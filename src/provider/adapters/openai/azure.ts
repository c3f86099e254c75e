const AZURE = /^https?:\/\/[^/]*\.azure\.(?:com|us|cn)(?=[:/?]|$)|[?&]api-version=/;
const OF_RESOURCE = /\/openai(?:\/deployments)?$/;
const OF_DEPLOYMENT = /\/deployments\/[^/]+$/;

/** Azure takes its key in a header of its own, and names the model in the path. */
export function isAzure(baseUrl: string): boolean {
  return AZURE.test(baseUrl);
}

/**
 * Path of an Azure deployment. The base URL is that of the resource (`…/openai?api-version=…`; the upstream model is the
 * deployment), of one deployment, or of the newer `…/openai/v1`.
 */
export function azurePrefix(pathPrefix: string, upstreamModel: string): string {
  if (!OF_RESOURCE.test(pathPrefix)) return pathPrefix;
  return `${pathPrefix.replace(/\/deployments$/, '')}/deployments/${encodeURIComponent(upstreamModel)}`;
}

/** Where Azure lists its models, which no deployment does. */
export function azureResource(pathPrefix: string): string {
  return pathPrefix.replace(OF_DEPLOYMENT, '').replace(/\/deployments$/, '');
}
