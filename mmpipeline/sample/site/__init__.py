"""The fake 만개의레시피: its pages in every form, over HTTP on loopback."""
