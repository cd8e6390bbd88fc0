import type { FastifyInstance } from 'fastify';
import { onObservation } from '../domain/observations.js';
import { currentRequest } from '../platform/request-work.js';
import { runningOperation } from './request-work.js';

/**
 * Logs each query and mutation that takes at least `slowMs` (0: none): its name, the shape of its variables, and the times of its stages. The
 * log has no value of a variable. Subscriptions last long by nature and are left out.
 */
export function registerSlowOperations(app: FastifyInstance, slowMs: number): void {
  if (slowMs <= 0) return;
  const ends = onObservation((observation) => {
    if (observation.kind !== 'stage') return;
    const stages = runningOperation(currentRequest())?.stages;
    if (stages === undefined) return;
    const { count = 0, ms = 0 } = stages.get(observation.stage) ?? {};
    stages.set(observation.stage, { count: count + 1, ms: ms + observation.seconds * 1000 });
  });
  app.addHook('onClose', async () => ends());
  app.addHook('onResponse', async (request) => {
    const running = runningOperation(request);
    if (running === null || running.operation === 'subscription') return;
    const ms = performance.now() - running.startedAt;
    if (ms < slowMs) return;
    const stages = [...running.stages].map(([stage, { count, ms: all }]) => [
      stage,
      { count, ms: Math.round(all) },
    ]);
    request.log.warn(
      {
        ...running.named,
        fields: running.fields,
        ms: Math.round(ms),
        variables: running.variables(),
        stages: Object.fromEntries(stages),
      },
      'slow operation',
    );
  });
}
