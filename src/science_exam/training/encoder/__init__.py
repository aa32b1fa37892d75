"""Training an encoder with a head that scores each option apart: the field's DeBERTa baseline."""
