import { Get, Inject, Param, Query } from '@nestjs/common';
import { ExplainService } from '../../billing/index.js';
import { Clock } from '../../platform/clock/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { replay, RoutingSums, type Replay } from '../../router/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import {
  hoursOf,
  replaySchema,
  routerReportQuerySchema,
  routerReportSchema,
  type ReplayView,
  type RouterReportQuery,
  type RouterReportView,
} from './router.schema.js';

const TAG = 'Router';

@AdminController('router')
export class RouterController {
  constructor(
    private readonly sums: RoutingSums,
    private readonly explanations: ExplainService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get('report')
  @AdminOperation({
    summary: 'Compare what the router chooses with its control group',
    description:
      'Requests of `auto` only. The control group draws models by lot, about as often as the router chooses them for requests of the same kind and bent so that it spends the same, without looking at the request. Statistics of the last seconds may be missing.',
    tag: TAG,
    query: routerReportQuerySchema,
    response: routerReportSchema,
  })
  async report(@Query() query: RouterReportQuery): Promise<RouterReportView> {
    const { from, to } = hoursOf(query, this.clock.nowMs());
    const report = await this.sums.report(from, to);
    return {
      from: from.toISOString(),
      to: to.toISOString(),
      control_share: this.config.ROUTER_CONTROL_SHARE,
      ...report,
    };
  }

  @Get('replay/:request_id')
  @AdminOperation({
    summary: 'Make the choice of a request again from its trace',
    description: 'By either request id. From the recorded numbers the same model has to come out.',
    tag: TAG,
    response: replaySchema,
  })
  async replay(@Param('request_id') anyId: string): Promise<ReplayView> {
    const { request_id: requestId, stages } = await this.explanations.explain(anyId, null);
    const decisions = stages.flatMap((stage) =>
      choicesOf(stage).flatMap((choice) => {
        const replayed = replay(choice);
        return replayed === null ? [] : [viewOf(stage.stage, replayed)];
      }),
    );
    return { request_id: requestId, decisions };
  }
}

/** The choices that a stage made: the first one, one after a wallet could not pay, or one for each model that was too small. */
function choicesOf(facts: Record<string, unknown>): readonly unknown[] {
  if (facts['stage'] === 'freeze') return [facts['route']];
  if (facts['stage'] === 'provider') return Array.isArray(facts['routes']) ? (facts['routes'] as unknown[]) : [];
  return [facts];
}

function viewOf(stage: string, replayed: Replay): ReplayView['decisions'][number] {
  return {
    stage,
    group: replayed.group,
    stored_model: replayed.storedModel,
    replayed_model: replayed.replayedModel,
    same: replayed.same,
    candidates: replayed.candidates.map(({ modelKey, storedScore, replayedScore }) => ({
      model_key: modelKey,
      stored_score: storedScore,
      replayed_score: replayedScore,
    })),
  };
}
