"""A media-gallery backend: curated collections over a real folder of photos and videos."""
