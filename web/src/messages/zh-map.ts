import type { map as en } from './en-map.js';

const number = new Intl.NumberFormat('zh');
const count = (n: number, unit: string): string => `${number.format(n)} ${unit}`;

export const map: typeof en = {
  label: (n) => `${count(n, '个条目')}的地图。方向键移动，加号和减号缩放，0 显示全部，Escape 清除选择。`,
  items: (n) => count(n, '个条目'),
  tool: '拖动的作用',
  move: '移动',
  lasso: '选择',
  zoomIn: '放大',
  zoomOut: '缩小',
  fit: '显示全部',
  selectVisible: '选择可见的条目',
  hint: '拖动以移动，滚轮以缩放。按住 Shift 拖动可画出选择范围。',
  noWebgl: '此浏览器没有 WebGL，地图以较慢的方式绘制。',
  details: '详情',
  hoverHint: '指向地图上的点以查看条目。',
  legend: '最大的类别',
  shapes: '■ 图片 ● 文本；灰色：其他类别',
  textSign: '文',
  search: '显示一段文字的位置',
  nearest: (text) => `与“${text}”最接近`,
  nowhere: '最接近的条目在地图上还没有位置。',
  searchWithFirst: (n) => `用前 ${n} 个搜索`,
  plane: '主平面',
  neighbours: '相近者相邻（t-SNE）',
  newItems: (n) => `${count(n, '个条目')}比地图新`,
  compute: '重新计算',
  computing: '正在计算…',
  begin: '计算地图',
  missing: '还没有地图',
  missingHint: '服务器为编码器的每个版本计算一次，约需半分钟。',
  noEncoder: '没有启用的编码器',
  unknownEncoder: '没有这个编码器',
  noEncoderHint: '地图显示编码器的公共空间。请训练并启用一个编码器。',
};
