import { defineConfig } from 'prisma/config';

/** For Prisma's own command line alone (`prisma migrate deploy`, `prisma studio`); the product reads src/config.ts. */
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'migrations' },
  ...(process.env.DATABASE_URL ? { datasource: { url: process.env.DATABASE_URL } } : {}),
});
