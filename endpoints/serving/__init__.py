"""How connections are kept from starving requests: what gunicorn's threaded worker leaves open."""
