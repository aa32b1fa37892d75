"""What kind of thing a definition is of, by its head noun.

Terms of one class can stand in each other's place among the options.
"""

CLASSES = {
    "event": """
        process act action method technique procedure movement transfer change loss formation production
        conversion growth development breakdown reaction removal release exchange transport splitting
        reproduction addition separation bending contraction secretion practice use administration
        modification creation transition motion flow displacement rotation decrease increase phenomenon
        mechanism activity operation strategy treatment therapy response adaptation expansion emission
        absorption transformation evaporation examination test surgery deposition erosion synthesis
        replication division fusion spread selection stage phase period era interval epoch time event
        interaction transmission inhibition reduction failure exposure migration extinction variation
        mutation cycle collision circulation stimulation communication ingestion digestion elimination
        excretion diffusion filtration fertilization inheritance oscillation mode means way order allocation
        arrangement cooperation attempt transaction behavior ritual state connection effect
        attraction disappearance disruption propagation dispersion degradation vibration constriction
        control interference association combination alteration appearance distortion spreading drag work
        pattern""",
    "condition": """
        condition disorder disease infection inflammation syndrome cancer tumor defect deficiency
        enlargement inability damage injury illness symptom abnormality pain disturbance malformation
        impairment lack excess buildup accumulation narrowing swelling bleeding death rash lesion""",
    "anatomy": """
        muscle structure region layer tissue organ opening portion bone joint vessel vessels membrane space
        ridge tube sac cortex bundle projection indentation articulation cavity gland nerve fold groove
        segment extension leaf stem stalk nucleus fiber fibers artery vein duct canal chamber lobe area
        organelle compartment surface sheet passageway tract ligament tendon cartilage cell cells neuron
        neurons leukocyte lymphocyte lymphocytes root flower seed shell wall body network spine site branch
        vesicle outgrowth appendage limb border edge gap cluster collection septum part depression 
        aorta curvature flap channel junction loop pouch filament shoot bump covering passage axons
        intestine kidney brain skeleton complex""",
    "substance": """
        hormone enzyme protein molecule substance compound drug medication chemical material mixture fluid
        liquid solution antibody neurotransmitter lipid polymer macromolecule pigment ion acid catalyst
        inhibitor gas carbohydrate sugar product nucleotide receptor messenger solid glycoprotein metal
        mineral vitamin agent pollutant drugs medications element isotope atom particle gene toxin antigen
        antibiotic fuel alloy sequence rna dna base salt nutrient waste steroid monomer fat hydrocarbon
        crystal strand chain water rock sediment soil magma wave radiation light signal orbital bond
        precursor protease transporter ligand subunit anion cation solute gel plasma corticosteroid stimulus
        photon component""",
    "organism": """
        organism animal plant phylum clade amphibian genus bacterium bacteria virus angiosperm species
        mammal reptile fish insect fungus alga invertebrate vertebrate parasite primate hominin dinosaur
        bird family population community embryo offspring protist prokaryote eukaryote individual predator""",
    "quantity": """
        quantity amount rate ratio measure unit value degree distance level number volume energy force
        pressure temperature proportion concentration power speed length frequency probability percentage
        magnitude extent cost velocity difference property tendency ability capacity acceleration angle
        price income graph diagram map line shape set function curve point polygon plot chart matrix
        variable coordinate vector constant factor sum fraction equation expression estimate measurement
        scale range position average distribution potential charge current field resistance mass size
        voltage strength gradient parameter stress location path effectiveness error equilibrium""",
    "idea": """
        theory concept principle belief idea law statement model hypothesis explanation relationship view
        framework ideology philosophy perspective doctrine rule theorem approach paradigm assumption study
        science discipline subfield perception sense emotion memory attitude trait feeling bias thinking
        characteristic system classification knowledge policy standard norm norms values language plan
        representation description prejudice worldview expectation expectations religion right agreement
        situation judgment interpretation information analysis experience""",
    "device": """
        device instrument machine tool apparatus computer circuit sensor telescope engine equipment software
        library protocol format platform interface file algorithm technology application""",
    "people": """
        people individuals society organization institution group professional worker government""",
    "nature": """
        ocean environment ecosystem biome landform mountain crust glacier star planet galaxy object moon
        asteroid nebula cloud zone habitat boundary plate valley ring orbit""",
}  # fmt: skip
CLASS_OF = {word: name for name, words in CLASSES.items() for word in words.split()}


def classify_head(head: str) -> str:
    """The class of a definition's head noun, "" where it is in none."""
    return CLASS_OF.get(head) or CLASS_OF.get(head.removesuffix("s"), "")
