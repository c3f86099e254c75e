import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/index.js';
import { ProviderService } from '../provider/index.js';
import { ChoiceMix } from './choice-mix.js';
import { pickAuto, type AutoPick, type Surroundings } from './domain/auto.js';
import type { RoutingGroup } from './domain/ballot.js';
import { ALL_BREAKERS_OPEN } from './domain/candidates.js';
import { drawFor, hashText } from './domain/hash.js';
import { knobOf } from './domain/knob.js';
import type { Decision, RouteRequest } from './domain/model.js';
import type { Pool } from './domain/pool.js';
import { DECISION_VERSION } from './domain/replay.js';
import { weighingOf } from './domain/weights.js';
import { EndpointSpeeds } from './endpoint-speeds.js';
import { GainScorer, type ExpectedGain } from './gain/gain-scorer.js';
import * as errors from './router.errors.js';
import { SessionModels } from './session-models.js';

const NO_SHARE = (): number => 0;
/** Makes the draw of the group independent of the draw among models. */
const GROUP_SALT = hashText('control group');

/** A choice of `auto` and what it was made from. */
export interface AutoChoice {
  pick: AutoPick & { chosen: NonNullable<AutoPick['chosen']> };
  decision: Decision;
}

/** Brings together what a choice of `auto` depends on, makes it, and remembers it for the session. */
@Injectable()
export class AutoRouter {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly providers: ProviderService,
    private readonly speeds: EndpointSpeeds,
    private readonly mix: ChoiceMix,
    private readonly scorer: GainScorer,
    private readonly sessions: SessionModels,
  ) {}

  /** @throws AppError `invalid_request` for an unknown knob; `routing` or `unavailable` when nothing can serve. */
  choose(pool: Pool, request: RouteRequest): AutoChoice {
    const knob = knobOf(request.requestedModel);
    const words = request.words();
    const gain = this.scorer.gainOf(words.asked);
    const group = this.groupOf(request);
    const lottery = this.config.ROUTER_CONTROL_SHARE > 0 ? this.mix.lotteryFor(request) : null;
    const around: Surroundings = {
      isHealthy: (endpointId) => this.providers.isReady(endpointId, request.callerId),
      speedOf: (endpointId) => this.speeds.speedOf(endpointId),
      keptModelId: null,
      demand: demandFor(gain, knob),
      weighing: weighingOf(request.preferences.weights, knob),
      group,
      shareOf: lottery?.shareOf ?? NO_SHARE,
    };
    const session = this.sessions.nameOf(request.requestedModel, request.sessionKey);
    const keptModelId = this.sessions.of(session) ?? this.begunWith(pool, request, around, words.opening);
    const pick = pickAuto(pool, request, { ...around, keptModelId });
    const { chosen, routersChoice } = pick;
    if (chosen === null || routersChoice === null) throw this.nothingFor(pool, pick, request);
    // How an unnamed talk begins any process can find out again.
    this.sessions.keep(session, chosen.pooled.model.id, request.sessionNamed || words.opening !== null);
    // What the router would choose for a control session that goes on is swayed by the model which the lot gave it.
    if (lottery !== null && (group === 'router' || keptModelId === null)) {
      this.mix.note(lottery.kind, routersChoice.pooled.model.id);
    }
    const decision: Decision = {
      version: DECISION_VERSION,
      group,
      ...around.weighing,
      ...gain,
      inputTokens: request.needs.inputTokens,
      outputTokens: request.needs.outputTokens,
      kept: keptModelId === null ? null : (pool.find(keptModelId)?.model.modelKey ?? null),
      routersChoice: routersChoice.modelKey,
      kind: lottery?.kind ?? null,
      tilt: group === 'control' ? (lottery?.tilt ?? 0) : 0,
    };
    return { pick: { ...pick, chosen }, decision };
  }

  /**
   * A talk that is under way, of which this process knows nothing: its first message was answered by what is chosen for that
   * message, in whichever process that was.
   */
  private begunWith(pool: Pool, request: RouteRequest, around: Surroundings, opening: string | null): string | null {
    if (opening === null) return null;
    const knob = knobOf(request.requestedModel);
    const demand = demandFor(this.scorer.gainOf(opening), knob);
    return pickAuto(pool, request, { ...around, demand }).chosen?.pooled.model.id ?? null;
  }

  private nothingFor(pool: Pool, { waitsForHealth, candidates }: AutoPick, request: RouteRequest): Error {
    if (!waitsForHealth) {
      const isEmpty = pool.catalog().models.length === 0;
      return isEmpty ? errors.poolEmpty() : errors.noCandidate(candidates, request.allowedTiers);
    }
    const waiting = candidates.filter(({ lost }) => lost === ALL_BREAKERS_OPEN);
    const endpoints = waiting.flatMap(({ modelKey }) => pool.find(modelKey)?.endpoints ?? []);
    const ready = endpoints.map(({ endpoint }) => this.providers.readiness(endpoint.id, request.callerId));
    const inMs = Math.min(...ready.map((one) => one.inMs));
    const isLimitedOnly = ready.length > 0 && ready.every((one) => one.isLimitedOnly);
    return errors.noneReady(candidates, Number.isFinite(inMs) ? inMs : 0, isLimitedOnly);
  }

  /** The same group for a session, in every process. */
  private groupOf({ sessionKey }: RouteRequest): RoutingGroup {
    const share = this.config.ROUTER_CONTROL_SHARE;
    return share > 0 && drawFor(hashText(sessionKey), GROUP_SALT) < share ? 'control' : 'router';
  }
}

/** Who asks for the best means it also for what looks easy. */
function demandFor({ demand }: ExpectedGain, knob: ReturnType<typeof knobOf>): number {
  return knob === 'best' || knob === 1 ? Math.max(0.5, demand) : demand;
}
