# Not tested: no Docker engine was available. It runs the commands of the README.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-fund --no-audit
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-fund --no-audit

FROM node:22-bookworm-slim
WORKDIR /app
# glibc's allocator keeps memory for each thread; two arenas are enough here.
ENV NODE_ENV=production COMMONSPACE_DATA=/data COMMONSPACE_HOST=0.0.0.0 MALLOC_ARENA_MAX=2
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/migrations ./migrations
COPY --from=build /app/schema.graphql ./
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --retries=3 --start-period=60s CMD node -e "fetch('http://127.0.0.1:4000/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"
# The server listens on all addresses, so it requires COMMONSPACE_API_KEYS.
CMD ["node", "dist/main.js", "serve"]
