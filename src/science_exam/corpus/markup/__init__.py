"""Wikitext, step by step: tags off, brackets matched, templates expanded, lines and tables read."""
