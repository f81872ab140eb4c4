"""Texts: generation character by character, and topics of documents."""
