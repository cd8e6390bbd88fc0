-- When the picture was last uploaded by POST /media; null if only an ingest has stored it. A deletion of items keeps recent uploads.
ALTER TABLE "media" ADD COLUMN "uploaded_at" TIMESTAMPTZ(3);
