"""What is known of single words before any text is read: which tell nothing, which mean the same, which mean the
opposite. English, and the commonest German. Used by tokens.py and features.py."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


def _pairs(lines: str) -> dict[str, str]:
    """Every word of a line but the first, with the first: `repo repository repositories` says what stands for what."""
    table = {}
    for line in lines.strip().splitlines():
        first, *others = line.split()
        table.update(dict.fromkeys([first, *others], first))
    return table


# Words that carry grammar and nothing else. What negates, obliges, compares or limits is not among them.
STOP = words(
    """
    a an the this that these those such it its he she they them their his her him hers we us our ours you
    your yours i me my mine myself itself themselves himself herself oneself ones yourself there here who
    whom whose which what where when while whether how why and or as so then thus hence therefore because
    since for of in on at by to into onto with within upon via through per about around across along over
    under from up down out be am is are was were been being have has had having do does did done doing
    will would could might else than too very also just if though although but yet however still
    already ever etc eg ie vs s d ll re ve m o please pls kindly well ok okay hello hi der die das den dem
    des ein eine einen einem einer eines und oder aber auch als wie wenn dass ob von vom zu zum zur im ins
    auf aus bei beim mit nach über unter für durch um es er sie wir ihr man sich ist sind war waren wird
    werden wurde wurden worden hat haben hatte sei noch schon seit ab heute jetzt nun da dort hier bitte
    mal doch eben
    """
)

# Verbs and fillers that two ways of saying one thing differ in: "secrets are kept in", "we store secrets in".
LIGHT = words(
    """
    use utilise utilize run make get go come take put keep store save live locate contain hold sit reside
    stay lie set need require let give happen occur exist want manage handle process serve provide do
    perform carry conduct undertake execute call name always currently actual actually really simply
    roughly approximately about exactly directly straight generally usually normally basically must should
    shall may can able ability allow permit possible mandatory necessary obligatory we write read create
    produce generate find look see belong place consist thing stuff way case kind sort purpose all every
    each any whole entire everything everyone everybody anybody anyone anything now today again back newly
    recent recently folder directory file nutzen benutzen verwenden laufen liegen machen haben müssen
    sollen dürfen können lassen stehen geben immer work mean follow consider ensure sure remember note
    know respective respectively self auto automatic automatically specify define expect say tell
    """
)

# One line, one meaning. Stems are made of these, so one form of each word is enough.
SAME = _pairs(
    """
    repo repository repositories
    config configuration configure configured cfg conf setting settings
    doc docs document documents documentation documented
    env environ environment environments
    prod production
    stage staging
    dev development
    db database databases datenbank
    auth authentication authenticate authentification authn
    authz authorization authorisation
    login log-in logon signin sign-in
    pr pull-request prs mr merge-request
    dir directory folder
    app application apps
    param parameter parameters
    arg argument arguments
    func function functions
    var variable variables
    lib library libraries
    dep dependency dependencies dependence dependent depend depends
    pkg package packages
    msg message messages
    admin administrator administrators
    k8s kubernetes
    postgres postgresql pg
    js javascript
    ts typescript
    py python
    info information
    spec specification specifications
    ref reference references
    max maximum maximal
    minimum minimal
    require required requirement requires need needs needed necessary mandatory obligatory compulsory
    responsible responsibility charge
    start launch boot startup
    begin commence
    delete erase
    want prefer preferred preference like enjoy wish
    before befor
    remove drop
    fix repair mend
    error errors err
    id identifier ids
    cert certificate certificates
    img image images
    freq frequency
    temp temporary
    backend back-end
    frontend front-end
    email e-mail mail mails
    kid kids child children
    big large
    small little
    quick fast rapid quickly
    above exceed exceeds beyond
    finish complete
    favour favor
    reply answer respond response
    concise brief terse short one-line one-liner
    verbose detailed lengthy long elaborate
    hide conceal
    team squad
    choose pick select
    check verify
    show display
    change modify alter
    buy purchase
    permission permit
    retain retention
    approve approval approves sign-off signoff
    review reviewer reviews reviewed
    own owner owns owned ownership
    maintain maintainer maintenance
    lead leader leads led
    deploy deployment rollout
    format formatted formatting formatter
    lint linter linting lints
    render renderer rendering
    host hosted hosting
    encrypt encryption encrypted
    compress compression
    release releases released
    build builds built
    push pushes pushed pushing
    seed seeds
    grant grants granted
    man men guy
    woman women lady
    photo picture photograph
    notification notify
    nobody no-one noone
    local locally lokal
    user nutzer benutzer nutzerin benutzerin anwender
    antwort antworten
    """
)

IRREGULAR = _pairs(
    """
    run ran running runs
    use used uses using
    free freed frees freeing
    base based
    once once
    go went gone goes going
    keep kept
    send sent
    build built
    rebuild rebuilt
    sort sorts sorted sorting ordered
    write wrote written
    hold held
    leave left
    find found
    lose lost
    choose chose chosen
    give gave given
    take took taken
    get got gotten
    make made
    mean meant
    read reading
    say said
    sell sold
    tell told
    think thought
    bring brought
    begin began begun
    break broke broken
    come came
    do did done
    draw drew drawn
    drive drove driven
    fall fell fallen
    grow grew grown
    know knew known
    pay paid
    rise rose risen
    see saw seen
    set setting
    show showed shown
    shut shutting
    speak spoke spoken
    spend spent
    split splitting
    stand stood
    swap swapped swapping
    teach taught
    throw threw thrown
    tear tore torn
    wear wore worn
    win won
    lead led
    lie lay lain lying
    freeze froze frozen
    hide hid hidden
    become became
    forbid forbade forbidden
    rewrite rewrote rewritten
    feed fed
    meet met
    sit sat
    sing sang sung
    ride rode ridden
    eat ate eaten
    index indices indexes
    data datum
    status statuses
    bus buses
    alias aliases
    cookie cookies
    movie movies
    basis bases
    analysis analyses analyse analyze
    series
    news
    access accesses accessed accessing
    process processes processed processing
    address addresses addressed
    class classes
    pass passes passed passing
    format formats
    chat chats
    action actions
    option options
    session sessions
    version versions versioned versioning
    region regions
    question questions
    position positions
    station stations
    section sections
    state states
    update updates updated updating
    template templates
    private privately
    canvas canvases
    always alway
    https https
    dns dns
    css css
    aws aws
    sms sms
    ios ios
    macos macos
    tls tls
    kms kms
    laufen läuft lief gelaufen
    liegen liegt lag
    nutzen nutzt nutzte genutzt
    verwenden verwendet
    müssen muss musste
    dürfen darf durfte
    sollen soll sollte
    können kann konnte
    """
)

# A word that denies another one: "forbidden" is "not allowed".
DENIES = {
    "forbid": "may", "prohibit": "may", "ban": "may", "disallow": "may", "verboten": "may", "untersagt": "may",
    "disable": "enable", "deactivate": "enable", "off": "enable",
    "dislike": "want", "hate": "want",
    "optional": "require", "voluntary": "require",
    "unsupported": "support", "impossible": "possible", "unable": "able", "unsafe": "safe", "invalid": "valid",
    "unused": "use", "avoid": "use", "unavailable": "available", "unsigned": "sign", "unencrypted": "encrypt", "incorrect": "correct",
    "false": "true",
}  # fmt: skip
# Of the verbs that add little these say the opposite of each other: the read pool is not the write pool.
OPPOSED = (("read", "write"), ("get", "put"), ("give", "take"))
AFFIRMS = {"on": "enable", "activate": "enable", "enable": "enable", "love": "want", "true": "true"}

# Words that are verbs more often than nouns: where one stands, the subject is over.
VERBS = words(
    """
    use run live keep store hold sit lie contain locate go come take get give put make let need require
    want like prefer ask tell say send receive serve listen return respond reply answer accept reject
    allow permit support expect provide handle process manage write read create generate produce render
    compile install upload download publish ingest fetch pull load save delete remove add drop insert
    replace swap switch move migrate change rename convert port transfer relocate upgrade downgrade bump
    raise increase lower reduce decrease extend widen shrink double halve set reset adopt choose pick
    select decide introduce enable disable activate stop cease quit retire leave abandon cancel deprecate
    discontinue decommission kill ditch archive revert revoke ban forbid happen occur start begin end
    finish expire last wait retry fail pass crash break work know find see show display look belong depend
    rely own lead maintain approve sign verify check validate review moderate stay remain become mean cost
    pay charge bill ship deploy release rotate scrape poll ping push pin lock unlock encrypt hash split
    rebase tag mark mount bind attach connect authenticate authorize talk speak call invoke execute
    trigger schedule fire emit parse cut spell land step enter compute symlink guide scan collide inspect
    assign contact delegate deliver describe detect determine discover dispatch distribute divide drain
    evict embed enforce ensure escalate evaluate explain expose fit flow forward govern greet hand help
    house ignore implement include inform inherit initialise initialize inject interpret invite isolate
    iterate join judge justify lag leak lend link list lose manipulate mirror mitigate modify munge name
    negotiate normalise normalize obtain offer omit operate orchestrate overwrite parallelise perform
    persist phone plan populate post precompute predict present prevent prohibit promote propagate protect
    provision qualify query queue rank reach rebuild recommend reconcile recover refer reflect register
    relate remind repeat replay represent reserve resize resume retain reuse reveal roll route sample
    sanitise sanitize separate serialise serialize settle simulate sleep slow spin stage stream strip
    submit subscribe supply suspend symbolise terminate tokenise tokenize touch train transform translate
    transmit traverse treat unify upsert vary vendor view visit vote walk warm warn watch weigh wrap yield
    compress limit cap exceed hit cover consist sort order group filter map point redirect resolve follow
    respect skip avoid mock stub seed flush purge clean wipe prune grow scale shard partition replicate
    refresh sync regenerate restart reboot boot launch shut turn edit type print draw open close hide
    track record count measure monitor alert notify page reside host power drive gate estimate care mind
    insist hate dislike love enjoy request complain teach learn choke clash bring carry identify recognize
    time squash rip phase tear back rewrite refactor extract merge ist sind wird werden hat haben läuft
    laufen liegt liegen nutzt nutzen verwendet macht machen betreut prüft möchte bevorzugt mag beträgt
    darf dürfen muss müssen soll sollen steht stehen dauert heißt gebaut umgezogen umgestellt schreibt
    spricht braucht
    """
)
# Of these the commoner reading in notes is the noun: they end a subject only where a verb must stand.
_RATHER_NOUNS = words(
    """
    release page deploy report record log cache map order group filter limit cap tag mark lock hash split
    type time back test review host schedule request start end export import format monitor alert print
    point cover last lead list link mirror post plan phone house present process produce query queue rank
    roll route sample stage stream strip supply train touch vendor view visit vote walk watch wrap yield
    contact name join fit flow leak power drive gate scale shard partition count measure work change
    support check build
    """
)
CLEAR_VERBS = VERBS - _RATHER_NOUNS
BE = words(
    """
    is are was were be been being am has have had will would do does did get gets got ist sind wird werden
    wurde hat haben
    """
)
MODAL = words("must may can should shall could might not never muss darf soll kann müssen dürfen")
# Words with these endings are nouns, whatever verb they come from.
NOUN_ENDINGS = ("tion", "tions", "ment", "ments", "ance", "ence", "sion", "sions", "ness")

# Hyphens of ordinary language: what begins or ends like this is words, anything else with a hyphen is a name.
HYPHENED_FIRST = words(
    """
    pre post non re self auto multi cross high low long short full half open real well up one two three
    four five six first second third in on off end server client read write case back front single double
    user hard soft cold hot fine so old new opt built trunk conventional e anti co ex sub super inter
    intra over under out by all any no per day week month year time hand data state error cost product
    customer role rule test type key event domain feature plug add follow left right top bottom snake
    kebab camel bullet command object line zero cloud edge early late large small mid main peer point
    general run start stand sign log set clean drop lock pop roll look check pull push merge code
    """
)
HYPHENED_LAST = words(
    """
    side level line only based free time wide term end up in out off friendly specific first party case
    word day week month year way ready safe aware like style sized size fold by to on down over under
    through back house site code purpose quality request requests branch branches driven oriented related
    independent compatible dependent team scale run
    """
)

NUMBERS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "hundred": 100, "thousand": 1000, "million": 1_000_000,
    "dozen": 12, "once": 1, "twice": 2, "both": 2,
    "null": 0, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "zwölf": 12,
}  # fmt: skip
