"""The pictures behind `script/pictures`."""
