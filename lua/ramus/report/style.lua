--- The report's style sheet: light and dark, phone to desk, print.
return [[
:root { color-scheme: light dark; --ink: #1c2126; --soft: #5b636b; --paper: #ffffff; --card: #f5f6f8; --rule: #d8dce1; --link: #005a93;
  --c1: #0072b2; --c2: #d55e00; --c3: #009e73; --c4: #b3568b; --c5: #a87400; --c6: #2f8fc4; --c7: #1c2126; --c8: #808890; --act: 0, 114, 178 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a3abb3; --paper: #14181c; --card: #1d2329; --rule: #39424b; --link: #7cc4f2;
  --c1: #56b4e9; --c2: #ff8b3d; --c3: #2cc79b; --c4: #e79fc6; --c5: #e6b800; --c6: #9ad3f5; --c7: #e6e9ec; --c8: #98a1aa; --act: 86, 180, 233 } }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
header, main, footer { max-width: 70rem; margin: 0 auto; padding: 0 1rem }
header { padding-top: 1.5rem }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .8rem; padding-top: .6rem; border-top: 1px solid var(--rule) }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; overflow-wrap: anywhere }
p { max-width: 46rem } a { color: var(--link) }
.note, small, footer { color: var(--soft) } small { font-size: .8em; white-space: nowrap }
.notice { background: var(--card); border-left: 4px solid var(--c5); padding: .5rem .8rem; max-width: none }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1rem; list-style: none; margin: 1rem 0; padding: .5rem 0; border: solid var(--rule); border-width: 1px 0 }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 16rem), 1fr)); gap: .8rem; list-style: none; margin: 1rem 0; padding: 0 }
.facts li { background: var(--card); border-style: solid; border-width: 0 0 0 4px; border-radius: 4px; padding: .5rem .9rem; min-width: 11rem; max-width:
  100%; overflow-wrap: anywhere }
.facts span, .facts b, .facts small { display: block; color: var(--ink) } .facts b { font-size: 1.6rem; line-height: 1.2 }
.facts small { color: var(--soft); white-space: normal }
.charts { margin-bottom: 1rem; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 1rem }
figure { margin: 0 } .chart { background: var(--card); border-radius: 6px; padding: .8rem; min-width: 0 }
figcaption { margin-bottom: .4rem } .plot { position: relative }
.chart svg, .wide svg { width: 100%; height: auto; display: block } .wide { max-width: 44rem; margin: 1rem 0 }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft) } svg .grid { stroke: var(--rule) }
svg .line { stroke-width: 2; fill: none } svg .dot { stroke: none; opacity: .8 }
svg .seed { fill: none } svg .mean { stroke-width: 2 } svg .open { fill: var(--card) }
svg .ideal { stroke: var(--soft) } svg .cross { stroke: var(--ink); stroke-dasharray: 2 2 }
svg .idle { fill: var(--card) } svg .act { fill: rgb(var(--act)) }
svg .a1 { fill-opacity: .3 } svg .a2 { fill-opacity: .45 } svg .a3 { fill-opacity: .6 } svg .a4 { fill-opacity: .8 }
.s1 { stroke: var(--c1); fill: var(--c1); border-color: var(--c1) } .s2 { stroke: var(--c2); fill: var(--c2); border-color: var(--c2) }
.s3 { stroke: var(--c3); fill: var(--c3); border-color: var(--c3) } .s4 { stroke: var(--c4); fill: var(--c4); border-color: var(--c4) }
.s5 { stroke: var(--c5); fill: var(--c5); border-color: var(--c5) } .s6 { stroke: var(--c6); fill: var(--c6); border-color: var(--c6) }
.s7 { stroke: var(--c7); fill: var(--c7); border-color: var(--c7) } .s8 { stroke: var(--c8); fill: var(--c8); border-color: var(--c8) }
.legend { display: flex; flex-wrap: wrap; gap: .1rem .9rem; list-style: none; padding: 0; margin: .4rem 0; font-size: .85rem } .legend svg { width: 26px;
  display: inline; margin-right: .3rem; vertical-align: middle }
.tip { position: absolute; top: 0; pointer-events: none; background: var(--paper); border: 1px solid var(--rule); border-radius: 4px; padding: .2rem .5rem;
  font-size: .8rem; white-space: pre; max-height: 100%; overflow: hidden }
.scroll { overflow-x: auto; margin: .8rem 0; container-type: inline-size } table { border-collapse: collapse; font-size: .9rem; font-variant-numeric:
  tabular-nums }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; min-width: min(44rem, 100cqw); max-width: 100cqw }
th, td { padding: .25rem 1.4rem .25rem 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; overflow-wrap: anywhere; max-width:
  30rem }
thead th { vertical-align: bottom; overflow-wrap: normal }
td { min-width: 5.5rem } th { font-weight: 600 } tbody th { font-weight: 500; white-space: nowrap }
.better { color: var(--c1) } .worse { color: var(--c2) }
details { margin: .5rem 0 } summary { cursor: pointer; color: var(--link) } .numbers { font-size: .85rem }
pre { background: var(--card); padding: .8rem; overflow-x: auto; font-size: .82rem; border-radius: 6px }
[role=tablist] { display: flex; flex-wrap: wrap; gap: .3rem; border-bottom: 1px solid var(--rule); margin: 1rem 0 }
[role=tab] { font: inherit; color: var(--ink); background: none; border: 0; border-bottom: 3px solid transparent; padding: .4rem .8rem; cursor: pointer;
  max-width: 100%; overflow-wrap: anywhere }
[role=tab][aria-selected=true] { border-color: var(--c1); font-weight: 600 }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1rem }
.stack { position: relative; background-size: 100% 100%; border-radius: 4px; overflow: hidden; isolation: isolate; print-color-adjust: exact }
.stack .layer { position: absolute; inset: 0; width: 100%; height: 100%; mix-blend-mode: screen }
.stack .edge { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: #fff; box-shadow: 0 0 3px #000 }
.slide { display: flex; align-items: center; gap: .6rem; font-size: .85rem } .slide input { flex: 1; min-width: 0; accent-color: var(--c1) }
.levels { display: flex; flex-wrap: wrap; gap: .4rem } .levels figure { flex: 1 1 4rem; max-width: 6.5rem; font-size: .78rem } .levels img { width: 100%;
  display: block; border-radius: 3px }
.key { display: inline-block; width: .9em; height: .9em; border: 1px solid var(--soft); vertical-align: -.1em; margin-right: .3em }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
:focus-visible { outline: 3px solid var(--c2); outline-offset: 2px } [hidden] { display: none !important }
.skip { position: absolute; left: -99rem } .skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .3rem }
footer { margin-top: 3rem; padding-bottom: 2rem; font-size: .85rem }
@media print { nav, .slide, [role=tablist] { display: none } [role=tabpanel][hidden] { display: block !important } h2 { break-after: avoid } figure {
  break-inside: avoid } }
]]
