"""Closed-class words and other short lists that the rules read text with."""

DETERMINERS = frozenset("a an the".split())
AUXILIARIES = frozenset(
    "is are was were has have had can could may might must will would do does did be been being".split()
)
PREPOSITIONS = frozenset(
    """
    about above across after against along among around as at before behind below beneath between beyond
    by despite down during except for from in inside into near of off on onto out outside over per since
    through throughout to toward towards under until up upon via with within without""".split()
)
CONJUNCTIONS = frozenset(
    "and or but nor so yet if because although though while when whereas unless than that".split()
)
RELATIVES = frozenset("that which who whom whose where when what how why".split())
PRONOUNS = frozenset(
    """
    he her hers him his i it its me my our ours she their theirs them these they this those us we you
    your yours one ones itself themselves there here such another other others each both either neither
    same former latter something everything anything nothing someone everyone anyone""".split()
)
ADVERBS = frozenset(
    """
    also always again already almost even ever generally however just merely more most much never not
    often only quite rather simply sometimes still then therefore thus together too usually very well
    typically commonly primarily mainly largely mostly frequently normally now no less least""".split()
)
QUANTIFIERS = frozenset(
    "all any every few fewer many several some two three four five six seven eight nine ten".split()
)
FUNCTION_WORDS = (
    DETERMINERS | AUXILIARIES | PREPOSITIONS | CONJUNCTIONS | RELATIVES | PRONOUNS | ADVERBS | QUANTIFIERS
)

# "the process" and the like point back to an earlier sentence unless something follows that says which.
POINTING_NOUNS = frozenset(
    """
    algorithm amount animal answer approach area argument article assay authors award book bottle box
    bubble car case change changes chart child city class client coil college committee community
    company compound concept condition constant container country court curve data decision device
    diagram difference disease disorder effect enzyme equation event experiment expression fact family
    field film firm function game gas genome goal graph group idea image individual infection
    investigators issue language latter law letter line liquid list machine man material measurement
    method methods mission mixture model molecule mutation mutations name number object objects official
    operation organism organization other others paper particle parts party pathway patient patients
    people person plate plot point population practice present president principle problem problems
    procedure process product products program project property protein question ratio reaction
    reactions reader reason receptor region relationship report research researchers result results rock
    rod rule sample satellite school scientists shape ship signal site situation solution spacecraft
    species statement step strategy string structure student students study subject subjects substance
    symptoms syndrome system systems task team technique term terms test theory tissue tool toxin
    transition treatment tree trial unit university value values variable variables vector vehicle
    version virus volume war wave way wire woman word work""".split()
)
# Words that say little about what a text is about.
PLAIN_WORDS = frozenset(
    """
    able action amount area aspect basis behavior body case category change characteristic class
    collection combination component concept condition course degree development difference effect
    element example existence extent fact factor feature field form group idea individual instance issue
    item kind level manner means measure member method model number object organization part people
    period person place point practice presence principle problem procedure process product property
    quality quantity range rate region relationship researcher result role sense series set situation
    source state step structure study subject substance system technique term theory thing time tool
    type unit use value variety way work world""".split()
)
# Units of quantities that are asked for.
UNIT_WORDS = tuple(
    """
    kilometers kilometres kilometer km meters metres meter metre centimeters centimetres cm millimeters
    millimetres mm micrometers micrometres nanometers nanometres nm miles mile feet inches acres
    hectares kg kilograms grams milligrams mg tons tonnes pounds ounces liters litres milliliters mL
    gallons seconds milliseconds minutes hours days weeks months years joules kilojoules kJ calories
    kilocalories kcal watts kilowatts megawatts volts mV millivolts amperes ohms hertz Hz kHz MHz GHz
    kelvin kelvins K °C °F degrees pascals kPa atmospheres mmHg newtons teslas bits bytes kilobytes
    megabytes gigabytes KB MB GB amino nucleotides chromosomes protons neutrons electrons daltons kDa
    light-years parsecs""".split()
)
# How words of the sciences begin.
SCIENCE_STEMS = tuple(
    """
    acid alga algorithm alloy amino anatom antibio antibod antigen arter asteroid astronom atmospher
    atom bacter biolog blood bone brain calcul carbon carbohydr catal cell chemi chlorophyl chromosom
    circuit climate comet computation compound conduct cortex crystal densit derivative diagnos diffus
    digest disease disorder dna drug earth ecolog ecosystem electri electro embryo energ entropy enzym
    equation equilibri evolution fluid force formula fossil frequen friction fungi fusion galax gas gene
    genome geolog geometr germ glucose gravit heart helium hormon hydrogen hypothes immun infect insulin
    integer ion isotop kidney kinetic laser liquid lipid liver logic magnet mammal mass math matrix
    measur membran metabol metal meteor microb mineral mitochond molecul momentum muscl mutation nerv
    neuron neutron nitrogen nuclear nucle nutri ocean optic orbit organ organism oxid oxygen parasit
    particle pathogen patholog photon photosynth phylum physic physiolog planet plasma polymer
    polynomial popul pressure probab protein proton protocol protozoa psycholog quant radia reaction
    receptor rna rock sediment semiconduct sensor software solar solut solvent soil species spectr sperm
    star statist stem sun surgery symptom syndrome synaps synthes taxonom telescop temperatur theorem
    theor thermo thyroid tissue toxi tumor ultraviolet universe vaccin variabl vector velocit vertebr
    virus viral vitamin volcan voltage volume wave wavelength""".split()
)
KNOWN_THINGS = frozenset(
    """
    abdomen aorta appendix atmosphere bladder blood body brain brainstem cerebellum cerebrum chest colon
    cornea cortex cosmos cytoplasm diaphragm duodenum ear eardrum esophagus eye eyes femur gallbladder
    heart hippocampus hypothalamus ileum iris jejunum kidney kidneys larynx lens ligaments liver lung
    lungs lymph mantle medulla mitochondrion moon mouth nephron nose nucleus ovary ovaries pancreas
    pharynx pituitary placenta pons prostate rectum retina ribosome sclera skeleton skin skull sky spine
    spleen sternum stomach sun testes thalamus thymus thyroid tongue tonsils trachea universe ureters
    urethra uterus vagina""".split()
)
KNOWN_CAPITALS = frozenset(
    """
    ACTH AC AD ADH ADP AI AIDS AMP ANOVA API ATP BC BCE CD CDC CE CERN CFC CNS CO2 CPU CT DC DDT DNA DVD
    ECG EEG EPA EU FDA FM FSH GABA GB GDP GPS GPU GTP H2O HDL HIV HTML HTTP IBM II III IP IQ ISO IV KB
    LCD LDL LED LH MB MIT MRI NAD NADH NADP NADPH NASA NATO NMR O2 OH PCR PH RAM RNA ROM SI SQL TB TCP
    TSH TV UK UN URL US USA USB UV UVA UVB VI VII VIII IX XI XII WHO WWW XML XX XY N2 H2 B12 FAD FADH2
    SARS HPV MRSA PNS ER""".split()
)
STATING_VERBS = frozenset(
    """
    absorbs acts affects allows arises attaches begins belongs binds blocks breaks carries causes
    connects consists contains controls converts covers creates depends describes detects develops
    differs emerges enables encodes ends enters exits extends forms functions helps increases inhibits
    innervates involves joins lies leads lines maintains measures moves occurs originates passes
    performs prevents produces promotes protects provides receives reduces refers regulates releases
    removes represents requires results secretes sends separates serves splits states stimulates stores
    supplies supports surrounds synthesizes takes transports travels uses""".split()
)
# Stems that tell little of what a definition is about.
SAYING_LITTLE = frozenset(
    """
    condit disord diseas rare inherit genet affect bodi system individu character peopl birth part form
    develop group progress caus abnorm problem person type kind feature symptom sever primarili usual
    process act thing certain sign syndrom present occur includ particular ani give like made make mean
    onli use who whose childhood children adult year age older younger often common cancer tumor organ
    tissu cell blood""".split()
)
