--- The page's style sheet, behind that of the report.
return [[
.drop { border: 2px dashed var(--soft); border-radius: 10px; padding: 1rem 1.2rem; margin: 1.2rem 0 .8rem; text-align: center; background: var(--card) }
.drop h2 { border: 0; margin: 0; padding: 0 } .drop p { margin: .5rem auto } .drop.over { border-color: var(--c1); border-style: solid }
.drop.small { padding: .4rem 1rem; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; align-items: center; text-align: left }
.drop.small h2 { font-size: 1rem } .drop.small p { margin: .2rem 0 } .drop.small #formats { display: none }
button, input[type=file]::file-selector-button { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); border-radius: 6px;
  padding: .35rem .8rem; cursor: pointer }
button:hover { border-color: var(--c1) } button.main { background: var(--link); border-color: var(--link); color: var(--paper); font-weight: 600 }
button:disabled { opacity: .5; cursor: default }
input[type=file], input[type=number] { font: inherit; color: var(--ink); max-width: 100% }
input[type=number] { width: 6rem; padding: .2rem .4rem; background: var(--paper); border: 1px solid var(--soft); border-radius: 4px }
#status { min-height: 1.5em; margin: .4rem 0; max-width: none; overflow-wrap: anywhere } #status.busy::before { content: ""; display: inline-block; width: .8em;
  height: .8em; margin-right: .5em; border: 2px solid var(--rule); border-top-color: var(--c1); border-radius: 50%; animation: turn 1s linear infinite }
@keyframes turn { to { transform: rotate(360deg) } }
@media (prefers-reduced-motion: reduce) { #status.busy::before { animation: none } }
.problem { background: var(--card); border-left: 4px solid var(--c2); padding: .5rem .8rem; max-width: none; overflow-wrap: anywhere }
.problem:empty, #notes:empty { display: none }
.result h2 { margin-top: 1rem; overflow-wrap: anywhere } .result h2:focus { outline: none }
.view { display: grid; grid-template-columns: minmax(0, 1fr) 20rem; gap: 1.4rem; align-items: start }
.view figure { background: #000; border-radius: 8px; overflow: hidden; position: sticky; top: .6rem }
canvas#canvas { display: block; width: 100%; max-height: 78vh; object-fit: contain }
.controls { display: flex; flex-direction: column; gap: .7rem } .controls p { margin: 0 }
.share { font-size: 1.05rem } .share b { display: block; font-size: 1.9rem; line-height: 1.1; font-variant-numeric: tabular-nums }
.slide-row { display: grid; grid-template-columns: 1fr auto; gap: 0 .6rem }
.slide-row input { grid-column: 1 / -1; width: 100%; margin: .3rem 0; height: 1.6rem; accent-color: var(--c1) }
.slide-row output { font-variant-numeric: tabular-nums; font-weight: 600 }
fieldset { border: 1px solid var(--rule); border-radius: 6px; padding: .3rem .7rem .6rem; margin: 0; min-width: 0 }
legend { padding: 0 .3rem; color: var(--soft) }
.choice { display: flex; gap: .5rem; align-items: baseline; cursor: pointer; padding: .1rem 0 } .choice input { accent-color: var(--c1) }
.thumbs { display: grid; grid-template-columns: repeat(auto-fill, minmax(4rem, 1fr)); gap: .5rem }
.thumb { position: relative; cursor: pointer; font-size: .85rem; text-align: center; overflow-wrap: anywhere } .thumb input { position: absolute; opacity: 0;
  inset: 0; margin: 0 } .thumb canvas { display: block; width: 100%; border-radius: 5px; border: 3px solid transparent; background: #000 }
.thumb input:checked ~ canvas { border-color: var(--c1) } .thumb input:focus-visible ~ canvas { outline: 3px solid var(--c2) }
.thumb input:checked ~ span { font-weight: 600 }
.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center } .classes { flex-direction: column; font-size: .95rem }
table.about td { overflow-wrap: anywhere; max-width: 44rem; padding-right: 0 } .about thead { display: none }
@media (max-width: 52rem) { .view { grid-template-columns: minmax(0, 1fr) } .view figure { position: static } canvas#canvas { max-height: 60vh }
  table.about tr, table.about th, table.about td { display: block; border: 0; white-space: normal; padding: 0 }
  table.about tr { border-bottom: 1px solid var(--rule); padding: .3rem 0 } }
]]
