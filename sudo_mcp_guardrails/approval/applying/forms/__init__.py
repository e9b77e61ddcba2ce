"""How a plan of each form is carried out, followed and compared with what happened."""
