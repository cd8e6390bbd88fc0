/** The report's style sheet. Colours are Okabe and Ito's, and Tol's muted scheme for classes: both hold for colour-blind readers. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;
--paper:light-dark(#fbfaf7,#14161a);--card:light-dark(#fff,#1c1f25);--ink:light-dark(#1d1f23,#e9e8e4);--soft:light-dark(#5d6168,#a3a8b1);
--line:light-dark(#e4e1da,#31353d);--grid:light-dark(#eceae4,#292d34);--wash:light-dark(#f3f1eb,#22262d);
--own:light-dark(#0067a5,#5cb8f0);--cca:light-dark(#c44e00,#ff9650);--paperm:light-dark(#a0417f,#e28fc4);--sm:light-dark(#007a5a,#3ccea2);--chance:light-dark(#7d8188,#8d939d);
--seen:var(--own);--unseen:light-dark(#d07c00,#f2ad3d);--good:light-dark(#00704f,#4fd3a7);--bad:light-dark(#b13c10,#ff9a73);
--c0:light-dark(#332288,#9c8df2);--c1:light-dark(#c25565,#f08a99);--c2:light-dark(#117733,#57c27a);--c3:light-dark(#b89b1e,#e9d477);--c4:light-dark(#4aa3cf,#9adcf7);
--c5:light-dark(#882255,#df7fae);--c6:light-dark(#2f9d8c,#66d6c6);--c7:light-dark(#7b7b1f,#c5c561);--c8:light-dark(#aa4499,#e79ada);--c9:light-dark(#5b4a3a,#c9b299);
--rest:light-dark(#b9bbbf,#5a606a);
--serif:"Iowan Old Style","Palatino Linotype",Palatino,"Source Serif 4","Noto Serif",Georgia,serif;--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",Arial,sans-serif;--mono:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
:root[data-theme=light]{color-scheme:light}:root[data-theme=dark]{color-scheme:dark}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 var(--sans);font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
main,nav>div{max-width:1120px;margin:0 auto;padding:0 24px}
h1,h2,h3,h4{line-height:1.2;margin:0;text-wrap:balance}
h1{font:600 44px/1.1 var(--serif);letter-spacing:-.015em;overflow-wrap:anywhere}
h2{font:600 28px/1.2 var(--serif);letter-spacing:-.01em}h2 em{font-style:italic;color:var(--own)}
h3{font-size:18px;margin-top:40px}h4{font-size:14px;margin:26px 0 10px;color:var(--soft);font-weight:600}
p{margin:0}figure{margin:0}code{font-family:var(--mono);font-size:.92em}
.about{color:var(--soft);max-width:74ch;margin-top:6px}.quiet{color:var(--soft);font-size:13px}.about+*{margin-top:16px}
section,details.space{padding:48px 0 0}main>section+section{margin-top:8px}
nav{position:sticky;top:0;z-index:3;background:color-mix(in srgb,var(--paper) 88%,transparent);backdrop-filter:blur(8px);border-bottom:1px solid var(--line)}
nav>div{display:flex;gap:4px 22px;align-items:center;overflow-x:auto;scrollbar-width:none;height:46px;font-size:14px;white-space:nowrap}
nav a{color:var(--soft);text-decoration:none}nav a:hover{color:var(--ink)}nav button{margin-left:auto}
:target,section{scroll-margin-top:46px}
button{font:inherit;color:inherit;cursor:pointer}a:focus-visible,button:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--own);outline-offset:2px}
.theme{border:1px solid var(--line);background:var(--card);border-radius:99px;padding:2px 12px;font-size:13px}
.top{padding:52px 0 8px}.eyebrow{font-size:13px;letter-spacing:.06em;text-transform:uppercase;color:var(--soft);margin-bottom:10px}
.lead{font:20px/1.5 var(--serif);color:var(--soft);max-width:62ch;margin-top:12px}
.facts{display:flex;flex-wrap:wrap;gap:10px 34px;margin:24px 0 0}.facts dt,.small-figures dt{font-size:12.5px;color:var(--soft)}.facts dd{margin:0;font-weight:600}
.cards{display:grid;gap:18px;padding-top:32px}
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:26px 28px;display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1.15fr);gap:28px;align-items:center}
.card .big{font:600 76px/1 var(--serif);letter-spacing:-.03em;color:var(--own);margin:14px 0 6px}.big-name{color:var(--soft);font-size:14px}
.badge{display:inline-block;font-size:12.5px;font-weight:600;border-radius:99px;padding:2px 11px;background:var(--wash);color:var(--soft)}
.badge.seen{color:var(--seen);background:color-mix(in srgb,var(--seen) 12%,transparent)}.badge.unseen{color:light-dark(#8f5600,#f2ad3d);background:color-mix(in srgb,var(--unseen) 16%,transparent)}
.verdict{list-style:none;margin:16px 0 0;padding:0;font-size:14.5px;line-height:1.65}.verdict .up b{color:var(--good)}.verdict .down b{color:var(--bad)}
.small-figures{display:flex;flex-wrap:wrap;gap:10px 26px;margin:18px 0 0}.small-figures dd{margin:0;font-weight:600;font-size:18px}
.plot figcaption,.maps figcaption{font-size:13px;color:var(--soft)}
svg{display:block;width:100%;height:auto;overflow:visible}svg text{font:11px var(--sans);fill:var(--soft);font-variant-numeric:tabular-nums}
.grid{stroke:var(--grid)}.base{stroke:var(--line)}.tick{stroke:var(--line)}.axes .name{font-size:11px}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}.line:hover{stroke-width:3.5}
.reference{stroke:var(--soft);stroke-dasharray:2 4}.reference-name{font-style:italic;paint-order:stroke;stroke:var(--card);stroke-width:3px}
.mark{fill:var(--card);stroke:var(--ink);stroke-width:2}
.m-masln{--m:var(--own)}.m-paper{--m:var(--paperm)}.m-sm{--m:var(--sm)}.m-cca{--m:var(--cca)}.m-chance{--m:var(--chance)}
.line[class*=m-]{stroke:var(--m)}.line.m-masln{stroke-width:3}.line.m-paper{stroke-dasharray:7 3}.line.m-cca{stroke-dasharray:2.5 3.5}.line.m-sm{stroke-dasharray:9 3 2 3}.line.m-chance{stroke-width:1.4;stroke-dasharray:1 4}
.dot circle{fill:var(--m)}.dot .whisker{stroke:var(--m);stroke-width:1.8;fill:none}.dot .track{stroke:var(--grid)}.dot text{font-size:12.5px;fill:var(--ink)}.dot .dot-value{font-weight:600}.dot.m-masln text{font-weight:700}
.t0{--t:var(--own)}.t1{--t:var(--cca)}.t2{--t:var(--sm)}.t3{--t:var(--paperm)}.t4{--t:var(--c7)}.line.t0,.line.t1,.line.t2,.line.t3,.line.t4{stroke:var(--t)}.line.rest{stroke:var(--rest);stroke-width:1.2}
.line.member1{stroke-dasharray:5 3}.line.member2{stroke-dasharray:1.5 3}
.key{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:7px;vertical-align:-1px;background:var(--m,var(--t,var(--g,var(--p,var(--rest)))))}
.key.round{border-radius:99px}.key.stroke{height:3px;width:16px;vertical-align:4px}.key.seen{background:var(--seen)}.key.unseen{background:var(--unseen)}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;font-size:13.5px;margin:12px 0}.legend.column{flex-direction:column;align-items:flex-start}
.multiples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr));gap:18px}.multiples.two{grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr))}
.multiples figure,.beside>figure,.maps figure,.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px 10px}
.multiples figure{display:flex;flex-direction:column;justify-content:space-between}.multiples figcaption{font-size:14px;line-height:1.35;margin-bottom:8px}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:12px;background:var(--card)}
table{border-collapse:collapse;width:100%;font-size:14px}.figures caption{text-align:left;font-weight:600;padding:12px 16px 4px}
.figures th,.figures td{padding:6px 7px;text-align:right;white-space:nowrap}.figures thead th{font-weight:500;color:var(--soft);font-size:12.5px;border-bottom:1px solid var(--line)}
.figures td:last-child,.figures thead th:last-child{padding-right:16px}.figures th abbr{text-decoration:none}.figures th:first-child{text-align:left;padding-left:16px;position:sticky;left:0;background:var(--card);z-index:1}.figures tbody th{font-weight:500}.figures tr.set th{padding-top:14px}
.figures tr.own td,.figures tr.own th{background:color-mix(in srgb,var(--own) 7%,var(--card))}.figures tr.own th{font-weight:700}.figures small{display:block;font-size:11px;font-weight:400;color:var(--soft);line-height:1.3}.figures td{vertical-align:top}.figures tbody th{vertical-align:top}
details{margin-top:12px}summary{cursor:pointer;color:var(--soft);font-size:14.5px;padding:4px 0}summary:hover{color:var(--ink)}summary h2{display:inline;color:var(--ink)}details[open]>summary{margin-bottom:8px}
.terms{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:6px 28px;font-size:13.5px;margin:20px 0 0}.terms dt{font-weight:600}.terms dd{margin:0;color:var(--soft)}
.bar-tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:0 44px;align-items:start}
.bars{table-layout:fixed}.bars .name{width:150px}.bars .number{width:56px}.bars th{font-weight:500;text-align:right;padding:2px 12px 2px 0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:13.5px}.bars abbr{color:var(--unseen);text-decoration:none;font-size:11px}
.bars .bar{position:relative;padding:0;height:22px}.bars .bar svg{height:22px;background:linear-gradient(var(--grid),var(--grid)) 0 50%/100% 1px no-repeat;overflow:hidden}.bars rect.seen{fill:color-mix(in srgb,var(--seen) 78%,var(--card))}.bars rect.unseen{fill:color-mix(in srgb,var(--unseen) 84%,var(--card))}
.bars .value{text-align:right;padding:0 0 0 10px;font-weight:600;font-size:13.5px}
.bars .tick,.key-tick{display:inline-block;width:8px;height:10px;background:var(--ink)}.i2t{clip-path:polygon(0 0,100% 50%,0 100%)}.t2i{clip-path:polygon(100% 0,0 50%,100% 100%)}.bars .tick{position:absolute;top:50%;transform:translate(-50%,-50%)}.bars .tick.chance,.key-tick.chance{width:2px;height:16px;opacity:.6}
.key-tick{margin-right:7px;vertical-align:-1px}.key-tick.chance{height:13px;vertical-align:-2px}.bars tr:hover th{color:var(--own)}
.spoken{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.beside{margin-top:40px;display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1.25fr);gap:32px;align-items:center}
.area{fill-opacity:.16;stroke-width:1.6}.counterpart{--g:var(--own)}.same-class{--g:var(--sm)}.other{--g:var(--chance)}.area{fill:var(--g);stroke:var(--g)}.mean{stroke:var(--g);stroke-dasharray:3 3;stroke-width:1.4}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:16px;margin-top:14px}.beside h3{margin-top:0}.tile-name{font-size:13.5px;font-weight:600}.tile-value{font:600 30px/1.2 var(--serif);margin:4px 0 8px}
.gauge-track,.gauge-fill{stroke-width:6;stroke-linecap:round;stroke:var(--grid)}.gauge-fill{stroke:color-mix(in srgb,var(--own) 45%,var(--card))}.gauge-dot{fill:var(--own);stroke:var(--card);stroke-width:2}.gauge text{font-size:10.5px}
.chips{display:flex;flex-wrap:wrap;gap:7px;margin:12px 0}.chip{border:1px solid var(--line);background:var(--card);border-radius:99px;padding:3px 13px 3px 10px;font-size:13.5px}.chip[aria-pressed=true]{border-color:var(--ink);box-shadow:inset 0 0 0 1px var(--ink)}.chip.still{border-style:dashed;color:var(--soft)}
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:18px}.maps figcaption{margin-top:6px}.shapes{position:absolute}
use{fill:var(--p);fill-opacity:.78;stroke:var(--card);stroke-width:.5}.c0{--p:var(--c0)}.c1{--p:var(--c1)}.c2{--p:var(--c2)}.c3{--p:var(--c3)}.c4{--p:var(--c4)}.c5{--p:var(--c5)}.c6{--p:var(--c6)}.c7{--p:var(--c7)}.c8{--p:var(--c8)}.c9{--p:var(--c9)}.rest{--p:var(--rest)}.rest use{fill-opacity:.55}
.names text{font-size:12.5px;font-weight:650;fill:color-mix(in srgb,var(--p) 72%,var(--ink));paint-order:stroke;stroke:var(--card);stroke-width:3.5px;stroke-linejoin:round;pointer-events:none}
.map-set.some .points>g:not(.on) use{fill:var(--grid);fill-opacity:.6}.map-set.some .names text:not(.on){opacity:0}.link{stroke:var(--ink);stroke-width:1.3;pointer-events:none}use.hot{stroke:var(--ink);stroke-width:1.6;fill-opacity:1}
.stories{display:grid;gap:12px}.story{display:grid;grid-template-columns:172px minmax(0,1fr);gap:18px;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px;align-items:stretch}
.asked{border-right:1px solid var(--line);padding-right:18px;display:flex;flex-direction:column;justify-content:center}.scores{display:flex;flex-wrap:wrap;gap:0 14px;font-size:13px;color:var(--soft);margin-top:6px}.scores b{color:var(--ink)}
.found{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(6,minmax(0,1fr));gap:8px;align-content:center}.found li{border-radius:9px;padding:8px;border:1.5px solid transparent;background:var(--wash);display:flex;flex-direction:column;justify-content:space-between;min-width:0}
.found .relevant{border-color:color-mix(in srgb,var(--good) 55%,transparent)}.found .counterpart{border-color:var(--own);background:color-mix(in srgb,var(--own) 9%,var(--card))}
.face img{display:block;max-width:100%;height:72px;object-fit:contain;border-radius:6px;margin:0 auto;background:light-dark(transparent,#ffffff0d)}.asked .face img{height:96px;margin:0}
blockquote{margin:0;font:14px/1.35 var(--serif);overflow-wrap:anywhere;display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:4;overflow:hidden}.asked blockquote{font-size:17px;-webkit-line-clamp:6}.asked blockquote::before{content:"“"}.asked blockquote::after{content:"”"}
.class-name{font-size:12px;color:var(--soft);margin-top:5px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.found .class-name{text-align:left}.row-number{font-size:13px;font-weight:600}.asked .row-number{font-size:17px}.shape{font-size:.7em;margin-right:6px;color:var(--soft);vertical-align:.15em}
.similarity{font-size:12px;color:var(--soft);display:flex;justify-content:space-between;margin-top:4px;direction:rtl}.sign{font-weight:700}.sign.relevant{color:var(--good)}.sign.counterpart{color:var(--own)}
.lists{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:0 44px}.pairs{margin-top:12px;font-size:13.5px}.pairs th{font-weight:500;color:var(--soft);text-align:left;vertical-align:top;padding:4px 16px 4px 0;white-space:nowrap}.pairs td{padding:4px 0;overflow-wrap:anywhere;font-family:var(--mono);font-size:12.5px}.pairs tr{border-bottom:1px solid var(--grid)}
pre{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px;overflow-x:auto;margin:10px 0 0}.notes{color:var(--soft);padding-left:20px}
footer{max-width:1120px;margin:64px auto 0;padding:20px 24px 44px;border-top:1px solid var(--line);color:var(--soft);font-size:13px}
.tip{position:fixed;z-index:9;pointer-events:none;background:var(--ink);color:var(--paper);font-size:12.5px;line-height:1.4;border-radius:7px;padding:5px 10px;max-width:300px;opacity:0;transition:opacity .08s}.tip.shown{opacity:1}
@media (max-width:760px){main,nav>div{padding:0 16px}h1{font-size:34px}.top{padding-top:32px}.lead{font-size:18px}.card{grid-template-columns:1fr;padding:20px 18px}.card .big{font-size:60px}.beside{grid-template-columns:1fr;gap:14px}.bars .name{width:112px}.story{grid-template-columns:1fr;gap:12px}.asked{border-right:0;border-bottom:1px solid var(--line);padding:0 0 12px}.found{grid-template-columns:repeat(3,minmax(0,1fr))}svg.wide text{font-size:13.5px}.dot text{font-size:15px!important}.names text{font-size:15px!important}.bars{table-layout:fixed}.bars .name{width:150px}.bars .number{width:56px}section,details.space{padding-top:36px}}
@media print{nav,.tip,.theme{display:none}section,.story,figure{break-inside:avoid}body{background:#fff}}
@media (prefers-reduced-motion:reduce){*{transition:none!important}}
`;
