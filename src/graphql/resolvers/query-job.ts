import type { QueryField } from './field.js';

export const job: QueryField<'job'> = (_parent, { id }, { services }) => services.jobs.byId(id);
