import type { Services } from './services.js';

/** Stops all work in the background. Jobs and trainings of this process go back into their queues. */
export async function stopServices(services: Services): Promise<void> {
  await Promise.all([
    // First: the others abort what they wait for, which otherwise cancels its job.
    services.ownJobs.stop(),
    services.upkeep.stop(),
    services.indexes.stop(),
    services.sweepSchedule.stop(),
    services.mapSchedule.stop(),
    services.jobRunner.stop(),
    services.querySampler?.stop(),
    services.health.stop(),
    services.trainingRunner.stop(),
    services.evaluationJobs.stop(),
    services.budgetExchange.stop(),
  ]);
}
