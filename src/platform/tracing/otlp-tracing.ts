import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import type { RequestSpan, RequestSpanEnd, Tracing } from './tracing.js';

/** Spans that wait for the collector; more are dropped, a request never waits. */
const WAITING_MAX = 10_000;
const BATCH_MAX = 1_000;
const EXPORT_EVERY_MS = 1_000;
const EXPORT_TIMEOUT_MS = 10_000;

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/**
 * Traces to an OpenTelemetry collector over OTLP/HTTP.
 * @param endpoint base URL of the collector; the path of traces is appended.
 */
export function otlpTracing(endpoint: string, serviceName: string): Tracing {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const processor = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS }),
    maxQueueSize: WAITING_MAX,
    maxExportBatchSize: BATCH_MAX,
    scheduledDelayMillis: EXPORT_EVERY_MS,
    exportTimeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ [ATTR_SERVICE_NAME]: serviceName }),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('joytoken-gateway');
  return {
    begin: (startedMs, traceparent) => {
      const root = tracer.startSpan('chat', { kind: SpanKind.SERVER, startTime: startedMs }, contextOf(traceparent));
      return new OtlpRequestSpan(tracer, root);
    },
    // A collector that is away must not keep the process from ending.
    close: () => provider.shutdown().catch(() => undefined),
  };
}

class OtlpRequestSpan implements RequestSpan {
  private call: Span | null = null;
  private readonly inside: Context;

  constructor(
    private readonly tracer: Tracer,
    private readonly root: Span,
  ) {
    this.inside = trace.setSpan(ROOT_CONTEXT, root);
  }

  beginCall(name: string): string {
    this.call ??= this.tracer.startSpan(name, { kind: SpanKind.CLIENT }, this.inside);
    const { traceId, spanId, traceFlags } = this.call.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  end({ name, parts, attributes, error, endedMs }: RequestSpanEnd): void {
    for (const part of parts) {
      const { call } = this;
      const isCall = part.name === 'provider' && call !== null;
      const span = isCall ? call : this.tracer.startSpan(part.name, { startTime: part.startedMs }, this.inside);
      if (part.failed) span.setStatus({ code: SpanStatusCode.ERROR });
      if (isCall) span.setAttributes(attributes);
      span.end(part.endedMs);
    }
    this.root.updateName(name).setAttributes(attributes);
    if (error !== null) this.root.setStatus({ code: SpanStatusCode.ERROR, message: error });
    this.root.end(endedMs);
  }
}

/** The caller's trace goes on here; a header that is no `traceparent` (W3C Trace Context) counts for nothing. */
function contextOf(traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags ?? '00', 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
