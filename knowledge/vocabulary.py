"""Closed lists of English words that names and statements are read by."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP = _words("""
    a an the of in on at to for from by with and or but nor as is was are were be been being it its he she his her him
    they them their this that these those there here who whom whose which what when where why how do does did has have
    had not no if then than so such into over under after before during while since until between about against both
    each all any some most other another more also only same own one two first can could may might will would should
    must i we you your our my me us
""")
"""Words that are no name alone and stand at no edge of one."""

GENERIC = _words("""
    abstract acknowledgement acknowledgements action actions addendum additional agenda annex annexes answer answers
    appendices appendix approval approvals article articles assumption assumptions attachment attachments attendee
    attendees author authors background basics bibliography body cell chapter chapters checklist clause clauses
    closing column comment comments conclusion conclusions contact contacts content contents contract contracts
    credits date decision decisions definition definitions deliverables description detail details disclaimer document
    documents draft edition email example examples exception exceptions executive exhibit faq fax figure figures file
    files final findings footnotes foreword form further general glossary goal goals guide guideline guidelines header
    heading home imprint index info information instructions introduction invoice invoices item items key last latest
    legend level limitations line links list main meeting memo methodology minutes misc miscellaneous name new next
    none notes note number objective objectives of old open order outcome outcomes outline outlook overview page pages
    paragraph part participants parts phase phone preamble preface preliminary previous procedure procedures purpose
    question questions quick reading recommendation recommendations record reference references related remark remarks
    report reports requirement requirements resources responsibilities responsibility result results review revision
    revisions roadmap role roles row rule rules sample schedule scope section sections see sheet sheet1 sheet2 sheet3
    slide slides source sources start statement status step steps sub subject subsection summaries summary support
    table tables task tasks telephone template term terms test text ticket tickets timeline tip tips title tldr toc
    todo topic topics type untitled update updates usage value version versions volume welcome workflow
""")
"""Words that name a part of a document: a heading made of nothing else is no name."""

ARTICLES = frozenset(("the", "a", "an"))

ABBREVIATIONS = _words("""
    Mr Mrs Ms Dr Prof St Sr Jr Inc Ltd Co Corp No Nr vs etc cf ca approx Gen Col Sen Rep Gov Capt Lt Sgt Rev Hon Fig Vol
    pp Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Ave Mt Dept Bros Ph.D al bzw z.B Hr Fr Mme
""")
"""Words whose full stop ends no sentence."""

MAIL_PROVIDERS = _words("""
    gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com aol.com gmx.de gmx.net web.de
    proton.me protonmail.com
""")
"""Domains of addresses that name nobody's organisation."""

CALENDAR = _words("""
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december jan feb mar apr jun jul aug sep sept oct nov dec q1 q2 q3 q4 today yesterday
    tomorrow
""")
"""Capitalised, but dates."""

OPENERS = _words("""
    although however despite according because unless once within without among along near besides whether though
    meanwhile therefore moreover furthermore finally many several few every please thus hence like unlike even instead
    later earlier recently currently originally following yes dear again always never often
    der das dem eine einen im zum zur
""")
"""Words that often open a sentence, besides STOP."""

AUXILIARY = _words("""
    is are was were be been being has have had will would shall may must can could should
""")

PREPOSITIONS = _words("""
    with to of by in on at for from into as under through via against within across over after before about
""")

PASSED_OVER = _words("""
    a an the its his her their our which who that also now still then again currently formerly jointly
""")
"""Words between two names that a verb phrase is read without."""

BREAKING = _words("""
    and or but nor while when where because if although than whereas so yet
""")
"""Words between two names that end a clause."""

REGULAR_VERBS = _words("""
    absorb accept achieve acquire act adapt address adopt advise aim allow amend analyse announce answer appear apply
    appoint approve arrange assess assign assist attend audit award back base belong border build carry cause
    celebrate certify chair change claim collaborate combine complete comply confirm connect consist contact contain
    continue contract contribute control convert cooperate coordinate cover create cross deliver demand depend deploy
    derive describe design develop direct discover discuss distribute divide document donate earn employ enable
    enforce establish evaluate exceed execute exist expand explain export express extend feature fight file finance
    follow form found fund govern graduate guarantee handle head help hire host house implement import improve include
    increase influence inform inherit inspect install integrate introduce invent invest invite issue join launch
    license link list locate maintain manage manufacture market marry measure mention merge migrate monitor move name
    need negotiate nominate notify offer open operate oppose order organise organize oversee own participate partner
    pass pay perform plan play power prepare present process procure produce program promote protect provide publish
    purchase reach receive record reference refer regulate reject relate release rely remain remove rename renew rent
    repair replace report represent request require research reside resign restrict result return review reward run
    score secure select separate serve share ship sign specify sponsor star start station stay store study succeed
    suggest supersede supervise supply support surround tax team terminate test track trade train transfer transport
    treat trigger update upgrade use validate verify visit vote warn work yield
""")
"""Base forms of the verbs that relate names."""

IRREGULAR_VERBS = _words("""
    became become becomes began begin begins bought buy buys brought bring brings built came come comes drew fell
    flows forbids forbade gave give gives given goes went grew held hold holds keep keeps kept knew led lead leads
    leaves left lends lent lies lost loses made make makes meets met owes paid plays ran runs rose saw sees sell sells
    sent send sends set sets sits sold speaks spoke spent stands stood takes took taken taught teaches told tells
    thinks understands wins won write writes wrote written known born sung sang beat beats bid binds bound
""")
"""Forms that no rule makes from a base form."""
