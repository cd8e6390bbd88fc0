# Citus with pgvector, from the package archive of PostgreSQL that the image has. PG_MAJOR is a variable of the image.
FROM citusdata/citus:14.0.0-pg17
RUN apt-get update \
  && apt-get install -y --no-install-recommends "postgresql-$PG_MAJOR-pgvector" \
  && rm -rf /var/lib/apt/lists/*
