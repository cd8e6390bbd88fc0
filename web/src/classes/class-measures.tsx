import { useQuery } from '@tanstack/react-query';
import { ClassEvaluationDocument, ClassFiguresDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';

/** How well the active encoder tells the class, by the latest evaluation; nothing if there is none. */
export function ClassMeasures({ name }: { readonly name: string }) {
  const t = useMessages();
  const { data } = useQuery({
    queryKey: ['class-measures'],
    queryFn: async ({ signal }) => {
      const active = (await client.execute(ClassFiguresDocument, {}, { signal })).encoders.nodes[0];
      if (active === undefined) return [];
      const { evaluation } = await client.execute(ClassEvaluationDocument, { id: active.id }, { signal });
      return [...(evaluation?.seen?.perClass ?? []), ...(evaluation?.unseen?.perClass ?? [])];
    },
  });
  const figures = data?.find((each) => each.name === name);
  if (figures === undefined) return null;
  const number = new Intl.NumberFormat(t.locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const percent = new Intl.NumberFormat(t.locale, { style: 'percent' });
  const show = (value: number | null) => (value === null ? '–' : number.format(value));
  return (
    <section>
      <h2>{t.classes.measures}</h2>
      <p>
        {t.classes.figures(show(figures.i2tAp), show(figures.t2iAp), show(figures.chance))}{' '}
        <span className="faint">{t.classes.measuredOn(figures.images, figures.texts)}</span>
      </p>
      {figures.confusedWith.length > 0 && (
        <p>
          {t.classes.confused(
            figures.confusedWith.map((each) => `${each.name} (${percent.format(each.share)})`).join(', '),
          )}
        </p>
      )}
    </section>
  );
}
