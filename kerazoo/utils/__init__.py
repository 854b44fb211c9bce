"""Errors, argument checks, files, images: small things that every other package uses; imports none of them."""
